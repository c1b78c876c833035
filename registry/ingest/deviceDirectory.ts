import type { KeyObject } from "node:crypto";
import type { Tenure } from "../../protocol/chain/checkTenure.js";
import type { Neighbours, RecordedLink } from "../../protocol/chain/judgeLink.js";
import { publicKeyFromSpki } from "../../protocol/crypto/spki.js";
import { payloadOfPae } from "../../protocol/dsse/payloadOfPae.js";
import { CaliberError } from "../../protocol/errors.js";
import { decodeEntry } from "../../protocol/log/entry.js";
import { parseReport } from "../../protocol/report/parseReport.js";
import type { Report } from "../../protocol/report/schema.js";
import type { EvidenceLog } from "../log/evidenceLog.js";
import type { Db } from "../store/openDatabase.js";

export type KnownDevice = {
  /** Of the chain: keys that followed one another share it. */
  id: number;
  device: string;
  host: string;
  key: KeyObject;
  /** The part of the chain that this key signs. */
  tenure: Tenure;
};

/** What ingest asks of the record: whose key is whose, and what stands at a place of a chain. */
export type DeviceDirectory = {
  find(device: string): KnownDevice | undefined;
  add(device: KnownDevice): void;
  /** The key of a device has ended with report `last_seq`; `successor`, if there is one, signs from the next on. */
  end(device: string, last_seq: number, successor: Pick<KnownDevice, "device" | "key"> | null): void;
  /** As of the last flush of the derived tables. */
  neighbours(device: KnownDevice, seq: number): Neighbours;
  /** Log index of a report on record. */
  indexOf(device: KnownDevice, seq: number): number | null;
};

export function createDeviceDirectory(db: Db, log: EvidenceLog): DeviceDirectory {
  const devices = new Map<string, KnownDevice>();
  type Row = { id: number; device: string; host: string; spki: Buffer; last_seq: number | null };
  const keys = db.prepare<[], Row>(
    `SELECT id, device, host, spki, NULL AS last_seq FROM device WHERE device NOT IN (SELECT device FROM ended_key)
     UNION ALL
     SELECT id, ended_key.device, host, ended_key.spki, last_seq FROM ended_key JOIN device USING (id)
     ORDER BY id, last_seq NULLS LAST`,
  );
  let before: Row | null = null;
  for (const row of keys.iterate()) {
    const { id, device, host, last_seq } = row;
    const first_seq = before?.id === id ? before.last_seq! + 1 : 0;
    before = row;
    devices.set(device, {
      id,
      device,
      host,
      key: publicKeyFromSpki(row.spki),
      tenure: { first_seq, last_seq },
    });
  }
  type Place = { seq: number; idx: number };
  const at = db.prepare<[number, number], Place>("SELECT seq, idx FROM report WHERE device = ? AND seq = ?");
  const below = db.prepare<[number, number], Place>(
    "SELECT seq, idx FROM report WHERE device = ? AND seq < ? ORDER BY seq DESC LIMIT 1",
  );
  const above = db.prepare<[number, number], Place>(
    "SELECT seq, idx FROM report WHERE device = ? AND seq > ? ORDER BY seq LIMIT 1",
  );
  const statementAt = db.prepare<[number, number], { statement: Buffer }>(
    "SELECT statement FROM report WHERE device = ? AND seq = ?",
  );

  const link = (device: KnownDevice, place: Place | undefined): RecordedLink | null => {
    if (place === undefined) return null;
    const bytes = log.read(place.idx);
    const entry = bytes === null ? null : decodeEntry(bytes);
    if (entry?.kind !== "report")
      throw new CaliberError("LOG_TORN", `entry ${place.idx} is not the report on record`);
    const { prev, window } = readStored(place.idx, entry.pae);
    const statement = statementAt.get(device.id, place.seq)!.statement.toString("hex");
    return { seq: place.seq, statement, prev, start_ms: window.start_ms, end_ms: window.end_ms };
  };

  return {
    find: (device) => devices.get(device),
    add: (device) => void devices.set(device.device, device),
    end(device, last_seq, successor) {
      const { id, host, tenure } = devices.get(device)!;
      tenure.last_seq = last_seq;
      if (successor === null) return;
      devices.set(successor.device, {
        id,
        host,
        ...successor,
        tenure: { first_seq: last_seq + 1, last_seq: null },
      });
    },
    neighbours: (device, seq) => ({
      at: link(device, at.get(device.id, seq)),
      below: link(device, below.get(device.id, seq)),
      above: link(device, above.get(device.id, seq)),
    }),
    indexOf: (device, seq) => at.get(device.id, seq)?.idx ?? null,
  };
}

/** What is on record was checked when it was let in: if it does not parse now, the fault is the record's. */
function readStored(idx: number, paeBytes: Buffer): Report {
  try {
    return parseReport(payloadOfPae(paeBytes).payload);
  } catch (cause) {
    throw new CaliberError("LOG_TORN", `entry ${idx} cannot be read`, { cause });
  }
}
