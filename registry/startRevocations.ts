import type { Logger } from "pino";
import type { Ledger } from "./log/ledger.js";
import type { Db } from "./store/openDatabase.js";

const look_every_ms = 250;

/**
 * Carries out revocations that were ordered beside the running registry (revokeHost): into the log, then the host's
 * connections end. An order outlives a crash, since it goes in the commit that logs it.
 *
 * @returns how to stop.
 */
export function startRevocations(options: {
  db: Db;
  ledger: Ledger;
  /** Ends all connections of a host; its next one is refused, as its revocation is on record by then. */
  cutOff: (host: string) => void;
  now_ms: () => number;
  log: Logger;
}): () => void {
  const { db, ledger, cutOff, now_ms, log } = options;
  type Order = { host: string; reason: string; revoked: number | null };
  const orders = db.prepare<[], Order>(
    `SELECT host, reason, host.revoked FROM revocation_order LEFT JOIN host USING (host)`,
  );
  const forget = db.prepare("DELETE FROM revocation_order WHERE host = ?");

  const look = (): void => {
    for (const { host, reason, revoked } of orders.all()) {
      if (revoked !== 0) {
        forget.run(host);
        continue;
      }
      const body = { type: "revoke-host", at_ms: now_ms(), host, reason };
      ledger.add("key", body, { alongside: () => void forget.run(host) });
      ledger.settle();
      cutOff(host);
      log.warn({ host, reason }, "host revoked");
    }
  };
  look();
  const timer = setInterval(look, look_every_ms);
  return () => clearInterval(timer);
}
