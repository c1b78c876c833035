import { payloadOfPae } from "../../protocol/dsse/payloadOfPae.js";
import { statementHash } from "../../protocol/dsse/statementHash.js";
import { CaliberError } from "../../protocol/errors.js";
import type { CaliberEvent } from "../../protocol/events/healthEvent.js";
import { decodeEntry } from "../../protocol/log/entry.js";
import type { TickBody } from "../../protocol/log/entryBodies.js";
import { parseReport } from "../../protocol/report/parseReport.js";
import { addShare, cutIntoBuckets, emptyShare, shareKeys, type TimeShare } from "../health/account.js";
import type { DeviceFold } from "../health/deviceFold.js";
import { createFleetFold, type FleetFold } from "../health/fleetFold.js";
import { type FoldEntry, foldCommit } from "../health/foldEntry.js";
import type { FoldSink } from "../health/foldSink.js";
import { healthPolicies } from "../health/policy.js";
import { beaconsRemembered, type FoldBeacon } from "../health/rememberBeacon.js";
import type { EvidenceLog } from "../log/evidenceLog.js";
import type { Db } from "./openDatabase.js";

const minute = 60_000;
const hour = 60 * minute;
/** Minute rows of a gap go back no further than this: longer ranges are asked of the hour rows. */
const minuteReach_ms = 24 * hour;

export type Projector = {
  fleet: FleetFold;
  /** Folds one commit in. Nothing is stored until `flush`. */
  fold(entries: readonly FoldEntry[], tick: { idx: number; body: TickBody }): void;
  /** True when something derived has not been stored. */
  isDirty(): boolean;
  /** True when there are events that have not been stored. */
  hasEvents(): boolean;
  /** Stores all that was derived, with the cursor, in one transaction. */
  flush(): void;
};

/**
 * Keeps the derived tables: loads the fold as of its cursor, folds in what the log has beyond it, and from then on
 * what is committed. A crash loses nothing, since cursor and tables move together.
 */
export function createProjector(db: Db, log: EvidenceLog, origin: string, evidence_root?: string): Projector {
  const fleet = loadFleet(db, origin, evidence_root);
  const dirty = new Set<DeviceFold>();
  const rollups = [
    {
      bucket: minute,
      reach: minuteReach_ms,
      rows: new Map<string, RollupRow>(),
      upsert: upsertRollup(db, "rollup_1m"),
    },
    {
      bucket: hour,
      reach: Number.POSITIVE_INFINITY,
      rows: new Map<string, RollupRow>(),
      upsert: upsertRollup(db, "rollup_1h"),
    },
  ];
  const writes: (() => void)[] = [];
  let events = 0;
  let stored_idx = fleet.next_idx;

  const insertReport = db.prepare("INSERT INTO report VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const insertHost = db.prepare(
    "INSERT INTO host VALUES (?, ?, ?, ?, ?, ?, 0) ON CONFLICT (host) DO NOTHING",
  );
  const revokeHost = db.prepare("UPDATE host SET revoked = 1 WHERE host = ?");
  const insertDevice = db.prepare("INSERT INTO device VALUES (?, ?, ?, ?)");
  const endKey = db.prepare(
    "INSERT INTO ended_key SELECT device, id, spki, ? FROM device WHERE id = ? AND device = ?",
  );
  const changeKey = db.prepare("UPDATE device SET device = ?, spki = ? WHERE id = ?");
  const insertRegistryKey = db.prepare("INSERT INTO registry_key VALUES (?, ?)");
  const upsertFold = db.prepare(
    "INSERT INTO device_fold VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET fold = excluded.fold",
  );
  const insertEvent = db.prepare("INSERT INTO event VALUES (?, ?, ?, ?, ?)");
  const insertBeacon = db.prepare("INSERT OR IGNORE INTO beacon (number, hash, time_ms) VALUES (?, ?, ?)");
  const insertOutage = db.prepare("INSERT INTO outage VALUES (?, ?)");
  const saveState = db.prepare(
    "INSERT INTO fold_state VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
  );

  const sink: FoldSink = {
    host: (body) =>
      void writes.push(() =>
        insertHost.run(
          body.host,
          Buffer.from(body.host_spki, "base64"),
          body.recipient,
          body.label,
          body.simulated ? 1 : 0,
          body.at_ms,
        ),
      ),
    hostRevoked: (host) => void writes.push(() => revokeHost.run(host)),
    device({ id, device, host }, spki) {
      writes.push(() => insertDevice.run(id, device, host, Buffer.from(spki, "base64")));
    },
    keyEnded({ id, device }, ended, successor_spki) {
      writes.push(() => {
        endKey.run(ended.last_seq, id, ended.device);
        if (successor_spki !== null) changeKey.run(device, Buffer.from(successor_spki, "base64"), id);
      });
    },
    registryKey: (idx, change) => void writes.push(() => insertRegistryKey.run(idx, JSON.stringify(change))),
    changed: (fold) => void dirty.add(fold),
    report: (fold, { idx, statement, report }, standing) =>
      void writes.push(() => {
        const { start_ms, end_ms } = report.window;
        const body = report.kind === "telemetry" ? report.body : null;
        insertReport.run(
          fold.id,
          report.seq,
          idx,
          Buffer.from(statement, "hex"),
          start_ms,
          end_ms,
          standing,
          // The sender says how long; no longer than the window, as its account has it.
          Math.min(body?.present_ms ?? 0, end_ms - start_ms),
          body?.util_permille?.mean ?? null,
          body?.sm_activity_permille?.mean ?? null,
          body?.power_mw?.mean ?? null,
          body?.temp_mc?.mean ?? null,
          body?.fb_used_mib?.mean ?? null,
        );
      }),
    stretch(fold, stretch) {
      for (const { bucket, reach, rows } of rollups) {
        const start_ms = Math.max(stretch.start_ms, stretch.end_ms - reach);
        const kept =
          start_ms === stretch.start_ms ? stretch : { ...stretch, start_ms, share: scale(stretch, start_ms) };
        for (const cut of cutIntoBuckets(kept, bucket)) {
          const key = `${fold.id}/${cut.bucket_ms}`;
          let row = rows.get(key);
          if (row === undefined) {
            row = { device: fold.id, bucket_ms: cut.bucket_ms, share: emptyShare() };
            rows.set(key, row);
          }
          addShare(row.share, cut.share);
        }
      }
    },
    event(fold, event: CaliberEvent) {
      const id = fleet.next_event_id++;
      events += 1;
      const { sequence } = fold;
      writes.push(() => insertEvent.run(id, fold.id, sequence, event.type, JSON.stringify(event)));
    },
    beacon: (body) => void writes.push(() => insertBeacon.run(body.number, body.hash, body.time_ms)),
    outage: (outage) => void writes.push(() => insertOutage.run(outage.from_ms, outage.to_ms)),
  };

  const flush = db.transaction(() => {
    for (const write of writes) write();
    for (const fold of dirty) upsertFold.run(fold.id, JSON.stringify(fold));
    for (const { rows, upsert } of rollups) for (const row of rows.values()) upsert(row);
    const { next_idx, policy, last_tick_ms, next_device_id, next_event_id } = fleet;
    saveState.run("fleet", JSON.stringify({ next_idx, policy, last_tick_ms, next_device_id, next_event_id }));
  });

  const projector: Projector = {
    fleet,
    fold: (entries, tick) => foldCommit(fleet, entries, tick, sink),
    // An empty tick moves the cursor and the log's time, and nothing else.
    isDirty: () => fleet.next_idx !== stored_idx,
    hasEvents: () => events > 0,
    flush() {
      flush.immediate();
      writes.length = 0;
      dirty.clear();
      events = 0;
      stored_idx = fleet.next_idx;
      for (const { rows } of rollups) rows.clear();
    },
  };
  catchUp(projector, log);
  return projector;
}

type RollupRow = { device: number; bucket_ms: number; share: TimeShare };

function upsertRollup(db: Db, table: "rollup_1m" | "rollup_1h"): (row: RollupRow) => void {
  const statement = db.prepare(
    `INSERT INTO ${table} (bucket_ms, device, ${shareKeys.join(", ")}) VALUES (?, ?${", ?".repeat(shareKeys.length)})
     ON CONFLICT (bucket_ms, device) DO UPDATE SET ${shareKeys.map((key) => `${key} = ${key} + excluded.${key}`).join(", ")}`,
  );
  return (row) => void statement.run(row.bucket_ms, row.device, ...shareKeys.map((key) => row.share[key]));
}

/** The part of a stretch from `start_ms` on; only whole-length shares (gap, pause) are ever this long. */
function scale(stretch: { end_ms: number; share: TimeShare }, start_ms: number): TimeShare {
  const length = stretch.end_ms - start_ms;
  const share = emptyShare();
  for (const key of shareKeys) share[key] = Math.min(stretch.share[key], length);
  return share;
}

function loadFleet(db: Db, origin: string, evidence_root: string | undefined): FleetFold {
  const fleet = createFleetFold(origin, healthPolicies.standard, evidence_root);
  const state = db.prepare<[], { value: string }>("SELECT value FROM fold_state WHERE key = 'fleet'").get();
  if (state !== undefined) Object.assign(fleet, JSON.parse(state.value));
  fleet.policy.presence_renew_ms ??= null;
  for (const row of db.prepare<[], { fold: string }>("SELECT fold FROM device_fold ORDER BY id").iterate()) {
    const fold = JSON.parse(row.fold) as DeviceFold;
    // Stored before keys could end.
    fold.former_keys ??= [];
    fold.retired ??= null;
    // Stored before it was kept what a dispute is about.
    fold.contested ??= null;
    fold.yields_to ??= null;
    fold.title_rotation ??= null;
    fold.title_replacement ??= null;
    fold.replaced_by ??= null;
    // Stored when a rotation forgot that: whoever has been replaced has not rotated since.
    fold.replaced_key ??= fold.replaced_by && fold.device;
    // Stored before presence was told.
    fold.assured_until_ms ??= null;
    if (fold.token !== null) {
      fold.token.key ??= fold.device;
      fold.token.rotated_ms ??= null;
    }
    fleet.devices.set(fold.device, fold);
    for (const { device } of fold.former_keys) fleet.former.set(device, fold);
    if (fold.held !== null) fleet.identities.set(fold.held, fold.device);
    if (fold.silicon !== null) fleet.silicon.set(fold.silicon.strong_identity, fold.device);
  }
  fleet.outages = db
    .prepare<[], { from_ms: number; to_ms: number }>("SELECT from_ms, to_ms FROM outage ORDER BY from_ms")
    .all();
  fleet.beacons = db
    .prepare<[number], FoldBeacon>(
      "SELECT hash, time_ms FROM beacon ORDER BY time_ms DESC, hash DESC LIMIT ?",
    )
    .all(beaconsRemembered)
    .reverse();
  return fleet;
}

/** Folds in what the log holds beyond the cursor, flushing now and then so that memory stays small. */
function catchUp(projector: Projector, log: EvidenceLog): void {
  let entries: FoldEntry[] = [];
  let sinceFlush = 0;
  for (let idx = projector.fleet.next_idx; idx < log.size(); idx += 1) {
    const bytes = log.read(idx);
    if (bytes === null) throw new CaliberError("LOG_TORN", `entry ${idx} is missing from the log`);
    const entry = decodeEntry(bytes);
    if (entry.kind === "tick") {
      projector.fold(entries, { idx, body: entry.body as TickBody });
      entries = [];
      if (sinceFlush >= 20_000) {
        projector.flush();
        sinceFlush = 0;
      }
    } else if (entry.kind === "report") {
      const statement = statementHash(entry.pae).toString("hex");
      entries.push({ kind: "report", idx, statement, report: parseReport(payloadOfPae(entry.pae).payload) });
    } else {
      entries.push({ kind: entry.kind, idx, body: entry.body } as FoldEntry);
    }
    sinceFlush += 1;
  }
  // Every commit ends with its tick, so nothing can be left over.
  if (entries.length > 0) throw new CaliberError("LOG_TORN", "the log ends without a tick");
  projector.flush();
}
