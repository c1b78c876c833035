/** Why a loan is not approved. */
export type ApprovalCode =
  /** The router would refuse the terms; nothing could come of an approval. */
  | "TERMS_REFUSED"
  /** The loan's collateral is another contract's. */
  | "COLLATERAL_FOREIGN"
  /** A token is named twice. */
  | "TOKEN_REPEATED"
  /** The loan names other accounts than this gate to approve it. */
  | "GATE_NOT_NAMED"
  /** The gate was made for other contracts than those that this registry follows. */
  | "GATE_MISMATCH"
  /** Timelock or router is no known custodian, so that controllers would lapse. */
  | "CUSTODIAN_UNKNOWN"
  /** This registry's account is none of the attestors whose signatures count. */
  | "ATTESTOR_UNKNOWN"
  /** The timelock holds nothing for this loan and router, or no longer. */
  | "NOT_STAGED"
  /** A loan by this hash runs, or ran. */
  | "LOAN_STARTED"
  /** The loan index is not whole or too old to decide by. */
  | "LOANS_NOT_CURRENT"
  /** No device of this registry has the token. */
  | "TOKEN_UNKNOWN"
  /** No such token lives on chain. */
  | "TITLE_MISSING"
  /** The title's fingerprint is not that of the hardware as the registry knows it. */
  | "FINGERPRINT_DIFFERS"
  /** The title's fingerprint is not the one that the terms name. */
  | "FINGERPRINT_NOT_AGREED"
  /** The title is under dispute on chain. */
  | "TITLE_DISPUTED"
  /** Somebody else than the timelock holds the token. */
  | "NOT_IN_TIMELOCK"
  /** Another loan has a hold on the token. */
  | "PLEDGED"
  /** The GPU is simulated, and the chain is no development chain. */
  | "SIMULATED"
  /** The device's host is revoked. */
  | "HOST_REVOKED"
  /** The device has proved itself too long ago, or never. */
  | "NOT_FRESH"
  /** The registry knows a health that the gate's policy refuses. */
  | "HEALTH_REFUSED"
  /** The chain tells a health that the gate's policy refuses. */
  | "HEALTH_ON_CHAIN_REFUSED"
  /** The registry knows less of key or identity than the policy asks for. */
  | "ASSURANCE_MISSING"
  /** The title says less of key or identity than the policy asks for. */
  | "ASSURANCE_ON_CHAIN_MISSING"
  /** The silicon has not answered lately, and the policy asks for it. */
  | "PRESENCE_STALE"
  /** The chain knows of no silicon that answered lately, and the policy asks for it. */
  | "PRESENCE_ON_CHAIN_STALE"
  /** All else held, and the gate itself still refuses. */
  | "GATE_REFUSES";

/** One reason. `token_id` is null where it concerns the loan as a whole; `text` is for people. */
export type ApprovalFailure = { code: ApprovalCode; token_id: string | null; text: string };
