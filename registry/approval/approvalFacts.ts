import type { Address, Hex } from "viem";

/** A title as the chain has it at one block. */
export type TitleFacts = {
  holder: Address;
  fingerprint: Hex;
  strong_identity: Hex;
  header_hash: Hex;
  controller: Address;
  assurance: number;
  disputed_until_s: number;
  /** CaliberHealth's answer: the state's number, and until when the silicon counts. */
  state: number;
  assured_until_s: number;
};

/** The gate's policy. */
export type GatePolicy = {
  /** Bit `s` set: state `s` may be pledged. */
  accepted_states: bigint;
  required_assurance: number;
  needs_presence: boolean;
};

/** All that the chain says about a loan that waits for its approval, at one block. */
export type ApprovalFacts = {
  block: { number: bigint; hash: Hex; time_s: number };
  policy: GatePolicy;
  /** Whom the gate was made for. */
  gate: { token: Address; health: Address; timelock: Address; router: Address };
  custodians: { timelock: boolean; router: boolean };
  attestors: Address[];
  threshold: number;
  /** The router's status of the loan; 0 before it was originated. */
  loan_status: number;
  staging: { depositor: Address; expiration_s: number };
  /** By token; null for one that does not live. */
  titles: Map<bigint, TitleFacts | null>;
};
