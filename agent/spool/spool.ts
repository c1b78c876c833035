import type { ChainHead } from "../../protocol/chain/chainHead.js";
import type { ReceiptBody } from "../../protocol/down/downMessage.js";
import type { ReportKind } from "../../protocol/report/schema.js";

/** A signed report as it is handed over to be kept. */
export type SpoolItem = {
  kind: ReportKind;
  /** Statement hash, lower-case hex. */
  statement: string;
  envelope: Buffer;
  start_ms: number;
  end_ms: number;
  /** Lowest seq that this report (a `spool_overflow` gap) says was dropped; null for all others. */
  told_from: number | null;
  /** Raw samples of the window, for a later opening; null when there are none. */
  leaves: Buffer | null;
};

/** Where the next report of a chain stands. */
export type ChainLink = { seq: number; prev: string; window_end_ms: number | null };

export type WaitingReport = { id: number; device: string; seq: number; statement: string; envelope: Buffer };

/** Unreceipted reports that had to go: seqs `from_seq` … `to_seq`, windows `from_ms` … `to_ms`. */
export type Dropped = { device: string; from_seq: number; to_seq: number; from_ms: number; to_ms: number };

/** `dropped`: no resend can cure the refusal, and the report is gone. Otherwise it is set aside. */
export type RefusedReport = { device: string; seq: number; kind: string; code: string; dropped: boolean };

export type SpoolLimits = {
  /** Reports, receipted or not. */
  max_reports: number;
  max_report_bytes: number;
  max_sample_bytes: number;
};

export type SpoolDepth = { waiting: number; reports: number; report_bytes: number };

/** The agent's memory on disk: chains, signed reports, raw samples, and how far it has listened. One process. */
export type Spool = {
  /** Runs `act` as one commit; nothing of it stands when it throws. */
  transaction<T>(act: () => T): T;
  head(device: string): ChainHead | null;
  /** Goes on from a head that the registry signed. */
  setHead(device: string, head: ChainHead): void;
  /**
   * One commit: gives the next link, keeps what `sign` makes of it, and moves the head. A crash before it ends leaves
   * no trace; after it the seq is taken. So no seq carries two statements that anyone has seen.
   */
  append(device: string, sign: (link: ChainLink) => SpoolItem): void;
  /** Unreceipted reports, less those set aside, signed after report `id`, in the order of signing. */
  waitingAfter(id: number, limit: number): WaitingReport[];
  statementAt(device: string, seq: number): string | null;
  /**
   * Takes a receipt's word. What it names and we do not know is ignored. A refused report that no resend can cure is
   * deleted, any other is set aside: kept within the limits, and out of what waits.
   */
  settle(receipt: Pick<ReceiptBody, "kept" | "refused">): { kept: number; refused: RefusedReport[] };
  /** What was set aside waits again. Gives how many reports that were. */
  releaseAside(): number;
  /** The registry does not have reports above `seq` (it was restored): they wait for a receipt again. */
  unsettleAbove(device: string, seq: number): number;
  /** Entries below `size` are anchored on chain: what has a place there may go. */
  forgetBelow(size: number): number;
  /** Brings the spool back below its limits; receipted reports go first, then the oldest. */
  makeRoom(): Dropped[];
  isOwnInventory(device: string, statement: string): boolean;
  /** Raw samples of a window, or null when they are no longer kept. */
  leaves(device: string, seq: number): Buffer | null;
  meta(key: string): string | null;
  setMeta(key: string, value: string): void;
  depth(): SpoolDepth;
  close(): void;
};
