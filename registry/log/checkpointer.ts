import type { KeyObject } from "node:crypto";
import { CaliberError } from "../../protocol/errors.js";
import { type Checkpoint, signCheckpoint } from "../../protocol/log/checkpoint.js";
import type { Db } from "../store/openDatabase.js";
import type { EvidenceLog } from "./evidenceLog.js";

export type SignedCheckpoint = Checkpoint & { note: string };

export type Checkpointer = {
  origin: string;
  /**
   * A checkpoint of the log as it stands, signed and kept before anybody sees it.
   *
   * @throws CaliberError LOG_CONTRADICTS_ANCHOR after `halt`
   */
  current(): SignedCheckpoint;
  /** Signs no more: the log turned out not to be the one that earlier checkpoints speak of. */
  halt(why: string): void;
};

/**
 * Signs checkpoints. A log must never sign two that contradict each other (C2SP tlog-checkpoint), so at opening the
 * log must still hold what the last one promised. `former` are keys of the log that sign along for now.
 *
 * @throws CaliberError LOG_CONTRADICTS_CHECKPOINT
 */
export function createCheckpointer(
  db: Db,
  log: EvidenceLog,
  origin: string,
  key: KeyObject,
  former: () => readonly KeyObject[] = () => [],
): Checkpointer {
  type Row = { size: number; root: Buffer; note: string };
  const insert = db.prepare("INSERT INTO checkpoint VALUES (?, ?, ?)");
  let last = db.prepare<[], Row>("SELECT * FROM checkpoint ORDER BY size DESC LIMIT 1").get();
  if (last !== undefined && (last.size > log.size() || !log.rootAt(last.size).equals(last.root))) {
    throw new CaliberError(
      "LOG_CONTRADICTS_CHECKPOINT",
      `the log of ${log.size()} entries does not continue the checkpoint signed at ${last.size}`,
      { disposition: "user", details: "restored from an older copy? restore the newest, or start a new log" },
    );
  }
  let halted: string | null = null;
  return {
    origin,
    halt(why) {
      halted ??= why;
    },
    current() {
      if (halted !== null) {
        throw new CaliberError("LOG_CONTRADICTS_ANCHOR", `no checkpoint is signed: ${halted}`, {
          disposition: "user",
          details: "restored from an older copy? restore the newest, or start a new log",
        });
      }
      const size = log.size();
      if (last?.size !== size) {
        const root = log.root();
        const note = signCheckpoint({ origin, size, root }, key, former());
        insert.run(size, root, note);
        last = { size, root, note };
      }
      return { origin, ...last };
    },
  };
}
