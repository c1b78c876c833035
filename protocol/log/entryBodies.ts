import type { RegistryKeyChange } from "../registryKey/registryKeyChange.js";

/** Bodies of the JSON log entries. The log is written by the registry alone, so these are types, not schemas. */

/** Closes one commit: entries `first` … `first + count - 1` arrived by `received_at_ms`. The fold's only clock. */
export type TickBody = { received_at_ms: number; first: number; count: number };

export type KeyBody =
  | {
      type: "enrol";
      at_ms: number;
      host: string;
      host_spki: string;
      /** Address that tokens of this host's devices are minted to. */
      recipient: string;
      simulated: boolean;
      label: string;
      devices: { device: string; spki: string; tpm?: TpmKeyEvidence }[];
      /** Where the device keys live in a TPM: how that is known. Absent: they are files on the host. */
      tpm?: TpmEvidence;
    }
  | { type: "revoke-host"; at_ms: number; host: string; reason: string }
  /** In the commit of the report that says so (`statement`, at `seq`): the chain goes on under `successor`. */
  | {
      type: "rotate";
      at_ms: number;
      host: string;
      device: string;
      seq: number;
      statement: string;
      successor: string;
      successor_spki: string;
    }
  | {
      type: "retire";
      at_ms: number;
      host: string;
      device: string;
      seq: number;
      statement: string;
      reason: string;
    }
  /** One of the registry's own keys handed over to its next. */
  | { type: "registry-key"; at_ms: number; change: RegistryKeyChange };

/** A TPM as the registry came to trust it. DER and TPM structures are base64, hashes lower-case hex. */
export type TpmEvidence = {
  /** SHA-256 of the endorsement key's SPKI. */
  ek_sha256: string;
  /** Whether the token named this endorsement key, or a maker that the registry trusts certified it. */
  trust: "pinned" | "certified";
  /** SHA-256 of the maker's root certificate. */
  root_sha256: string | null;
  ek_certificate: string | null;
  /** TPMT_PUBLIC of the attestation key: a credential for its name was activated in this TPM. */
  ak: string;
  /** With `token` and the host's SPKI this makes the qualification that the TPM signed along. */
  nonce: string;
  /** SHA-256 of the token's secret. */
  token: string;
};

/** See verifyKeyResidency; base64. */
export type TpmKeyEvidence = { public: string; attest: string; signature: string };

/** A refused report: its bytes stay in a table of their own, the digest and the reason stand here for ever. */
export type RejectBody = { digest: string; host: string; device: string; code: string; at_ms: number };

/** Something seen that nobody may explain away later; `sides` names the entries or statements in conflict. */
export type FindingBody = { code: string; device: string; at_ms: number; sides: string[]; text: string };

export type ChainBody =
  | { type: "beacon"; number: number; hash: string; time_ms: number }
  | {
      type: "minted";
      device: string;
      chain_id: number;
      contract: string;
      token_id: string;
      tx: string;
      block: number;
    }
  /** The chain lost the blocks that held a mint: the device has no token again. */
  | { type: "unminted"; device: string; chain_id: number; contract: string; token_id: string; block: number }
  | {
      type: "amended";
      device: string;
      token_id: string;
      /** Statement of the inventory that shows the change. */
      evidence: string;
      tx: string;
      block: number;
    }
  /** A title names the key that took over from `former`: the one in force, or one that has been rotated out since. */
  | {
      type: "rotated";
      device: string;
      former: string;
      token_id: string;
      /** Statement of the rotate report that led to the key. */
      evidence: string;
      tx: string;
      block: number;
    }
  /** Another device stands in behind a title: `device` from now on, `former` until now. */
  | {
      type: "replaced";
      device: string;
      former: string;
      token_id: string;
      /** Statement of the inventory of the device that came in. */
      evidence: string;
      tx: string;
      block: number;
    }
  | { type: "anchored"; size: number; root: string; tx: string; block: number }
  /** A loan was approved for its gate: what was signed, by whom, and at which block the chain was looked at. */
  | {
      type: "approved";
      loan: string;
      gate: string;
      token_ids: string[];
      /** Of the titles (ERC-5646), in the order of the tokens. */
      fingerprints: string[];
      deadline_s: number;
      attestor: string;
      block: number;
      block_hash: string;
    };

/** What a person decided of the dispute that a device is in, by name and with the reason. */
export type DecisionBody = {
  device: string;
  at_ms: number;
  /** `cleared` in the device's favour, or `upheld` against it. */
  outcome: "cleared" | "upheld";
  by: string;
  reason: string;
};

/** The rules in force from here on. A replay needs them, so they are part of the log. */
export type PolicyBody = { name: string; values: Record<string, number> };

/** A device's GPU is about to be asked: in the log before it is sent. `challenge` is 32 random bytes, hex. */
export type ChallengeEntry = { device: string; challenge: string; issued_ms: number; expires_ms: number };
