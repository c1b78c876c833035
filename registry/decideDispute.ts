import { setTimeout as sleep } from "node:timers/promises";
import { CaliberError } from "../protocol/errors.js";
import type { DecisionBody } from "../protocol/log/entryBodies.js";
import { databasePath } from "./databasePath.js";
import type { DeviceFold } from "./health/deviceFold.js";
import { lockDataDir } from "./lockDataDir.js";
import { type Db, openDatabase } from "./store/openDatabase.js";
import { writeStopped } from "./writeStopped.js";

export type Decision = Omit<DecisionBody, "at_ms"> & { data_dir: string; now_ms: () => number };

/** A running registry looks several times a second. */
const patience_ms = 10_000;

/**
 * Decides the dispute that a device is in, as an entry of the log. A running registry is given the order and waited for; of
 * one that is not running the log is written here.
 *
 * @throws CaliberError DEVICE_UNKNOWN, DISPUTE_NONE, DECISION_PENDING when a running registry does not carry it out in time
 */
export async function decideDispute(decision: Decision): Promise<void> {
  const { data_dir, now_ms, device, outcome, by, reason } = decision;
  let unlock: (() => void) | null = null;
  try {
    unlock = lockDataDir(data_dir);
  } catch (error) {
    if (!CaliberError.find(error, "REGISTRY_RUNNING")) throw error;
  }
  const db = openDatabase(databasePath(data_dir));
  try {
    if (unlock === null) {
      checkDisputed(db, device);
      await order(db, { device, outcome, by, reason });
      return;
    }
    // The tables may lag behind the log after a crash.
    writeStopped(db, now_ms, (ledger) => {
      checkDisputed(db, device);
      ledger.add("decision", { device, at_ms: now_ms(), outcome, by, reason } satisfies DecisionBody);
    });
  } finally {
    db.close();
    unlock?.();
  }
}

async function order(db: Db, { device, outcome, by, reason }: Omit<DecisionBody, "at_ms">): Promise<void> {
  db.prepare("INSERT OR REPLACE INTO decision_order (device, outcome, by, reason) VALUES (?, ?, ?, ?)").run(
    device,
    outcome,
    by,
    reason,
  );
  const waiting = db.prepare("SELECT 1 FROM decision_order WHERE device = ?");
  const end = performance.now() + patience_ms;
  while (waiting.get(device) !== undefined) {
    if (performance.now() > end) {
      throw new CaliberError(
        "DECISION_PENDING",
        "the registry has not carried the decision out yet; it stands, also for the next start",
        { disposition: "retryable" },
      );
    }
    await sleep(50);
  }
}

function checkDisputed(db: Db, device: string): void {
  const row = db
    .prepare<[string], { fold: string }>(
      "SELECT fold FROM device_fold JOIN device USING (id) WHERE device = ?",
    )
    .get(device);
  if (row === undefined) throw userError("DEVICE_UNKNOWN", `no device ${device} is enrolled`);
  const { dispute } = JSON.parse(row.fold) as DeviceFold;
  if (dispute === null) throw userError("DISPUTE_NONE", `device ${device} is in no dispute`);
}

function userError(code: string, message: string): CaliberError {
  return new CaliberError(code, message, { disposition: "user" });
}
