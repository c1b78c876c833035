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
      devices: { device: string; spki: string }[];
    }
  | { type: "revoke-host"; at_ms: number; host: string; reason: string };

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
  | { type: "anchored"; size: number; root: string; tx: string; block: number };

/** The rules in force from here on. A replay needs them, so they are part of the log. */
export type PolicyBody = { name: string; values: Record<string, number> };
