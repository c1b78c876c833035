import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { publicKeyFromSpki, spkiOf } from "../../protocol/crypto/spki.js";
import type { DownMessage, ReceiptBody } from "../../protocol/down/downMessage.js";
import { openDown } from "../../protocol/down/openDown.js";
import type { TestDevice } from "../../test/support/testHost.js";
import { enrolledAttestor } from "../enrol/enrolledAttestor.js";
import { foldOf } from "../health/foldOf.js";
import type { HealthPolicyName } from "../health/policy.js";
import { healthPolicies } from "../health/policy.js";
import { createBeaconBook } from "../ingest/beaconBook.js";
import { createDeviceDirectory } from "../ingest/deviceDirectory.js";
import { createDownlink } from "../ingest/downlink.js";
import { createIngest } from "../ingest/ingest.js";
import { createReceipts } from "../ingest/receipts.js";
import { createRejectStore } from "../ingest/rejectStore.js";
import { createEvidenceLog } from "../log/evidenceLog.js";
import { createLedger } from "../log/ledger.js";
import { createMeta } from "../store/meta.js";
import { type Db, openDatabase } from "../store/openDatabase.js";
import { createProjector } from "../store/projector.js";

export const registryKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
export const testOrigin = "test.example/log";

/** The registry's core without network and without the wall clock: log, ledger, fold and ingest over one database. */
export function openCore(
  options: {
    path?: string;
    /** A database that is open already: what a registry finds that was killed. */
    db?: Db;
    policy?: HealthPolicyName;
    start_ms?: number;
    group_ms?: number;
    tick_ms?: number;
    flush_ms?: number;
    /** Root of the GPUs that may prove themselves; NVIDIA's when left out. */
    evidence_root?: string;
  } = {},
) {
  const { path = ":memory:", policy = "demo", start_ms = Date.UTC(2026, 10, 21) } = options;
  const { group_ms = 1, tick_ms = 3_600_000, flush_ms = 1000 } = options;
  let at_ms = start_ms;
  const now_ms = (): number => at_ms;
  const db = options.db ?? openDatabase(path);
  const meta = createMeta(db);
  meta.set("origin", testOrigin);
  const log = createEvidenceLog(db);
  const projector = createProjector(db, log, testOrigin, options.evidence_root);
  const fatal: unknown[] = [];
  const ledger = createLedger({
    db,
    log,
    projector,
    now_ms,
    group_ms,
    tick_ms,
    flush_ms,
    onFatal: (error) => void fatal.push(error),
  });
  if (projector.fleet.next_idx === 0) {
    ledger.add("policy", { name: policy, values: healthPolicies[policy] });
    ledger.commit();
  }
  const directory = createDeviceDirectory(db, log);
  const beacons = createBeaconBook(db);
  const downs: DownMessage[] = [];
  const downlink = createDownlink({
    meta,
    key: registryKey,
    keyid: "",
    now_ms,
    transmit: (host, payload) => {
      const lastSeq = downs.filter(({ aud }) => aud === host).at(-1)?.seq ?? 0;
      downs.push(openDown(payload, createPublicKey(registryKey), { host, lastSeq, now_ms: at_ms }));
    },
  });
  const receipts = createReceipts(ledger, downlink);
  const rejects = createRejectStore(db);
  const { devices } = projector.fleet;
  const ingest = createIngest({
    directory,
    beacons,
    ledger,
    receipts,
    rejects,
    headOf: (device) => foldOf(projector.fleet, device)?.head ?? null,
    attestorOf(device) {
      const fold = foldOf(projector.fleet, device);
      return fold === undefined ? null : enrolledAttestor(log, fold.enrolment);
    },
    now_ms,
    onFatal: (error) => void fatal.push(error),
  });

  return {
    db,
    log,
    projector,
    ledger,
    directory,
    beacons,
    rejects,
    ingest,
    downs,
    fatal,
    now_ms,
    advance: (ms: number): number => {
      at_ms += ms;
      return at_ms;
    },
    setTime: (ms: number): void => {
      at_ms = ms;
    },
    fold: (device: TestDevice) => devices.get(device.id)!,
    /** What has been receipted to a host so far, all receipts taken together. */
    receiptsOf(host: string): Pick<ReceiptBody, "kept" | "refused"> {
      const bodies = downs.flatMap(({ aud, body }) =>
        aud === host && body.type === "receipt" ? [body] : [],
      );
      return {
        kept: bodies.flatMap(({ kept }) => kept),
        refused: bodies.flatMap(({ refused }) => refused),
      };
    },
    /** Enrols a host without the HTTPS around it. */
    enrol(host: string, keys: { id: string; key: KeyObject }[]): void {
      ledger.add("key", {
        type: "enrol",
        at_ms,
        host,
        host_spki: spkiOf(keys[0]!.key).toString("base64"),
        recipient: `0x${"11".repeat(20)}`,
        simulated: true,
        label: host,
        devices: keys.map(({ id, key }) => ({ device: id, spki: spkiOf(key).toString("base64") })),
      });
      ledger.settle();
      for (const { id, key } of keys) {
        const fold = devices.get(id)!;
        const tenure = { first_seq: 0, last_seq: null };
        directory.add({ id: fold.id, device: id, host, key: publicKeyFromSpki(spkiOf(key)), tenure });
      }
    },
    /** Everything stored, as at an orderly stop. */
    settle: (): void => ledger.settle(),
    /** Ends without storing what is only in memory, as kill -9 does; the database stays open. */
    kill(): void {
      ledger.stop();
    },
    /** The same, and closes the database. */
    crash(): void {
      ledger.stop();
      db.close();
    },
  };
}

export type Core = ReturnType<typeof openCore>;
