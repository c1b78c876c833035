import { CaliberError } from "../../protocol/errors.js";
import type { Ledger } from "../log/ledger.js";
import type { Db } from "../store/openDatabase.js";
import type { EnrolStore, TokenRecord } from "./enrolStore.js";

/** Enrolment over the registry's own tables: spending a token and logging the keys are one commit. */
export function createSqliteEnrolStore(db: Db, ledger: Ledger): EnrolStore {
  const readToken = db.prepare<[string], Omit<TokenRecord, "ek_sha256">>(
    "SELECT expires_ms, used_ms, recipient, operator FROM enrol_token WHERE secret_sha256 = ?",
  );
  const readKeys = db
    .prepare<[string], string>("SELECT ek_sha256 FROM enrol_token_ek WHERE secret_sha256 = ?")
    .pluck();
  const spend = db.prepare("UPDATE enrol_token SET used_ms = ? WHERE secret_sha256 = ? AND used_ms IS NULL");
  type HostRow = { host: string; spki: Buffer; recipient: string; revoked: number };
  const readHost = db.prepare<[string], HostRow>(
    "SELECT host, spki, recipient, revoked FROM host WHERE host = ?",
  );
  const readDevice = db.prepare(
    "SELECT 1 FROM device WHERE device = @device UNION ALL SELECT 1 FROM ended_key WHERE device = @device",
  );

  const store: EnrolStore = {
    findToken(secret) {
      const row = readToken.get(secret);
      return row === undefined ? null : { ...row, ek_sha256: readKeys.all(secret) };
    },
    findHost(host) {
      const row = readHost.get(host);
      return row === undefined ? null : { ...row, revoked: row.revoked === 1 };
    },
    hasDevice: (device) => readDevice.get({ device }) !== undefined,
    enrol(secret, body) {
      if (store.findToken(secret)?.used_ms !== null) {
        throw new CaliberError("TOKEN_SPENT", "the enrolment token has been used");
      }
      const taken = body.devices.find(({ device }) => store.hasDevice(device));
      if (taken !== undefined)
        throw new CaliberError("DEVICE_TAKEN", `device ${taken.device} is enrolled already`);
      // From the check to here nothing yields, and the commit is synchronous: one request alone spends a token.
      ledger.add("key", body, { alongside: () => void spend.run(body.at_ms, secret) });
      ledger.settle();
    },
  };
  return store;
}
