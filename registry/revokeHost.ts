import { setTimeout as sleep } from "node:timers/promises";
import { CaliberError } from "../protocol/errors.js";
import { databasePath } from "./databasePath.js";
import { lockDataDir } from "./lockDataDir.js";
import { type Db, openDatabase } from "./store/openDatabase.js";
import { writeStopped } from "./writeStopped.js";

export type Revocation = {
  data_dir: string;
  host: string;
  reason: string;
  now_ms: () => number;
};

/** A running registry looks several times a second. */
const patience_ms = 10_000;

/**
 * Revokes a host: from now on it can neither connect nor renew; what it reported before stays as it is. A running
 * registry is given the order and waited for, and cuts the host off at once; of one that is not running the log is
 * written here, since it has one writer.
 *
 * @throws CaliberError HOST_UNKNOWN, HOST_REVOKED, REVOCATION_PENDING when a running registry does not carry it out in time
 */
export async function revokeHost(revocation: Revocation): Promise<void> {
  let unlock: () => void;
  try {
    unlock = lockDataDir(revocation.data_dir);
  } catch (error) {
    if (!CaliberError.find(error, "REGISTRY_RUNNING")) throw error;
    await order(revocation);
    return;
  }
  try {
    writeToLog(revocation);
  } finally {
    unlock();
  }
}

async function order({ data_dir, host, reason }: Revocation): Promise<void> {
  const db = openDatabase(databasePath(data_dir));
  try {
    checkHost(db, host);
    db.prepare("INSERT OR REPLACE INTO revocation_order (host, reason) VALUES (?, ?)").run(host, reason);
    const end = performance.now() + patience_ms;
    while (revokedOf(db, host) === 0) {
      if (performance.now() > end) {
        throw new CaliberError(
          "REVOCATION_PENDING",
          "the registry has not carried the order out yet; it stands, also for the next start",
          { disposition: "retryable" },
        );
      }
      await sleep(50);
    }
  } finally {
    db.close();
  }
}

function writeToLog({ data_dir, host, reason, now_ms }: Revocation): void {
  const db = openDatabase(databasePath(data_dir));
  try {
    writeStopped(db, now_ms, (ledger) => {
      checkHost(db, host);
      ledger.add("key", { type: "revoke-host", at_ms: now_ms(), host, reason });
    });
  } finally {
    db.close();
  }
}

function checkHost(db: Db, host: string): void {
  const revoked = revokedOf(db, host);
  if (revoked === undefined) throw userError("HOST_UNKNOWN", `no host ${host} is enrolled`);
  if (revoked === 1) throw userError("HOST_REVOKED", `host ${host} is revoked already`);
}

function revokedOf(db: Db, host: string): number | undefined {
  return db.prepare<[string], { revoked: number }>("SELECT revoked FROM host WHERE host = ?").get(host)
    ?.revoked;
}

function userError(code: string, message: string): CaliberError {
  return new CaliberError(code, message, { disposition: "user" });
}
