import type { Logger } from "pino";
import type { DecisionBody } from "../protocol/log/entryBodies.js";
import type { DeviceFold } from "./health/deviceFold.js";
import type { Ledger } from "./log/ledger.js";
import type { Db } from "./store/openDatabase.js";

const look_every_ms = 250;

/**
 * Carries out decisions that were made beside the running registry (decideDispute). An order outlives a crash, since it goes
 * in the commit that logs it.
 *
 * @returns how to stop.
 */
export function startDecisions(options: {
  db: Db;
  ledger: Ledger;
  findDevice: (device: string) => DeviceFold | undefined;
  now_ms: () => number;
  log: Logger;
}): () => void {
  const { db, ledger, findDevice, now_ms, log } = options;
  const orders = db.prepare<[], Omit<DecisionBody, "at_ms">>(
    "SELECT device, outcome, by, reason FROM decision_order",
  );
  const forget = db.prepare("DELETE FROM decision_order WHERE device = ?");

  const look = (): void => {
    for (const { device, outcome, by, reason } of orders.all()) {
      if ((findDevice(device)?.dispute ?? null) === null) {
        forget.run(device);
        continue;
      }
      const body: DecisionBody = { device, at_ms: now_ms(), outcome, by, reason };
      ledger.add("decision", body, { alongside: () => void forget.run(device) });
      ledger.settle();
      log.warn({ device, outcome, by, reason }, "a dispute is decided");
    }
  };
  look();
  const timer = setInterval(look, look_every_ms);
  return () => clearInterval(timer);
}
