import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, type KeyObject } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import pino from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { enrolHost } from "../../agent/enrol/enrolHost.js";
import { identityFile } from "../../agent/enrol/identityFile.js";
import { renewIdentity } from "../../agent/enrol/renewIdentity.js";
import { fileKeyStore } from "../../agent/keys/fileKeyStore.js";
import { mqttTransport } from "../../agent/publisher/mqttTransport.js";
import type { Transport } from "../../agent/publisher/transport.js";
import { type Agent, startAgent } from "../../agent/runtime/startAgent.js";
import { systemClock } from "../../agent/runtime/systemClock.js";
import { noReading } from "../../agent/sources/noReading.js";
import type { TelemetrySource } from "../../agent/sources/telemetrySource.js";
import type { DownBody } from "../../protocol/down/downMessage.js";
import { encodeEnvelope } from "../../protocol/dsse/encodeEnvelope.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { signEnvelope } from "../../protocol/dsse/signEnvelope.js";
import { parseEnrolToken } from "../../protocol/enrol/enrolToken.js";
import { openCheckpoint, signCheckpoint } from "../../protocol/log/checkpoint.js";
import type { RegistryKeyChange, RegistryKeyPurpose } from "../../protocol/registryKey/registryKeyChange.js";
import { signRegistryKeyChange } from "../../protocol/registryKey/signRegistryKeyChange.js";
import { createEnrolToken } from "../../registry/createEnrolToken.js";
import { createRegistry, type Registry } from "../../registry/createRegistry.js";
import { databasePath } from "../../registry/databasePath.js";
import type { DeviceFold } from "../../registry/health/deviceFold.js";
import { rotateRegistryKey } from "../../registry/keys/rotateRegistryKey.js";
import { createCheckpointer } from "../../registry/log/checkpointer.js";
import { createEvidenceLog } from "../../registry/log/evidenceLog.js";
import { createMeta } from "../../registry/store/meta.js";
import { type Db, openDatabase } from "../../registry/store/openDatabase.js";
import { inventoryOf } from "../support/testReports.js";
import { until } from "../support/until.js";

const uuid = "GPU-a";
const day_ms = 86_400_000;
let root: string;
let registry: Registry | null;
let agent: Agent | null;
/** What the agent warned of, by code. */
let warned: string[];
/** Gives the agent bytes as its broker would. */
let fromBroker: (bytes: Buffer) => void;
let ports = { mqtt_port: 0, enrol_port: 0 };
const registryDir = (): string => join(root, "registry");
const hostDir = (): string => join(root, "host");

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "caliber-registry-key-"));
  agent = null;
  warned = [];
  ports = { mqtt_port: 0, enrol_port: 0 };
  await startRegistry();
  const token = createEnrolToken({
    data_dir: registryDir(),
    url: `https://localhost:${ports.enrol_port}`,
    recipient: `0x${"11".repeat(20)}`,
    operator: "test",
    valid_ms: 60_000,
    now_ms: Date.now(),
  });
  const identity = await enrolHost({
    token: parseEnrolToken(token),
    keys: fileKeyStore(join(hostDir(), "keys")),
    store: { store: "file" },
    uuids: [uuid],
    label: "rack-1",
    simulated: true,
    known: null,
  });
  identityFile(hostDir()).save(identity);
});
afterEach(async () => {
  await agent?.stop();
  await registry?.stop();
  rmSync(root, { recursive: true });
});

/** On the same ports each time, as a registry that is started again. */
const startRegistry = async (): Promise<void> => {
  registry = await createRegistry({
    data_dir: registryDir(),
    bind: "127.0.0.1",
    api_bind: "127.0.0.1",
    server_names: ["localhost"],
    ...ports,
    api_port: 0,
    host_packets_per_s: 1000,
    policy: "demo",
    window_ms: 1000,
    tick_ms: 500,
    chain: null,
    log: pino({ level: "silent" }),
    now_ms: Date.now,
    onFatal(error) {
      throw error;
    },
  });
  ports = { mqtt_port: registry.mqtt_port, enrol_port: registry.enrol_port };
};
const stopRegistry = async (): Promise<void> => {
  await registry?.stop();
  registry = null;
};
const rotate = (purpose: RegistryKeyPurpose): RegistryKeyChange =>
  rotateRegistryKey({ data_dir: registryDir(), purpose, overlap_ms: day_ms, now_ms: Date.now });

/** A GPU that answers every quarter of a second. */
const source = (): TelemetrySource => {
  let timer: NodeJS.Timeout;
  const inventory = () => [inventoryOf(uuid)];
  return {
    name: "nvidia-smi",
    start: async ({ onSamples, onInventory }) => {
      onInventory(inventory());
      timer = setInterval(() => {
        const at = { at_ms: systemClock.now_ms(), at_mono_ms: systemClock.mono_ms() };
        const told = { uuid, source: "nvidia-smi" as const, supplied: [], xids: [] };
        onSamples([{ ...noReading, ...told, presence: "present" as const, ...at }]);
      }, 250);
    },
    stop: async () => clearInterval(timer),
    inventory,
  };
};
const tapped: Transport = (session, listener) => {
  fromBroker = listener.onMessage;
  return mqttTransport(session, listener);
};
const runAgent = async (): Promise<void> => {
  const write = (line: string): void => {
    const { code } = JSON.parse(line) as { code?: string };
    if (code !== undefined) warned.push(code);
  };
  agent = await startAgent({
    data_dir: hostDir(),
    source,
    host_facts: null,
    transport: tapped,
    clock: systemClock,
    random: Math.random,
    log: pino({ level: "warn" }, { write }),
  });
};
const withDb = <T>(ask: (db: Db) => T): T => {
  const db = openDatabase(databasePath(registryDir()));
  try {
    return ask(db);
  } finally {
    db.close();
  }
};
const headSeq = (): number =>
  withDb((db) => db.prepare<[], number | null>("SELECT max(seq) FROM report").pluck().get() ?? -1);
const fold = (): DeviceFold =>
  JSON.parse(
    withDb((db) => db.prepare<[], string>("SELECT fold FROM device_fold").pluck().get()!),
  ) as DeviceFold;
/** Of the reports that the agent still holds: the lowest place in the log, and the highest seq that has a receipt. */
const spooled = (): { first_idx: number | null; receipted: number | null } => {
  const db = new Database(join(hostDir(), "spool.db"), { readonly: true });
  try {
    return db
      .prepare("SELECT min(idx) AS first_idx, max(seq) AS receipted FROM report WHERE idx IS NOT NULL")
      .get() as { first_idx: number | null; receipted: number | null };
  } finally {
    db.close();
  }
};
const receipted = (seq: number): Promise<unknown> =>
  until(`the receipt of report ${seq}`, 40_000, () => (spooled().receipted ?? -1) >= seq);
const trustedSpki = (): string => identityFile(hostDir()).load().registry_spki;
const keyFile = (name: string): KeyObject =>
  createPrivateKey(readFileSync(join(registryDir(), "keys", name), "utf8"));
const newKey = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const spkiOf = (key: KeyObject): string =>
  createPublicKey(key).export({ format: "der", type: "spki" }).toString("base64");

/** A down message that whoever holds `key` can make: of the latest number that counts. */
function messageBy(key: KeyObject, body: DownBody): Buffer {
  const now_ms = Date.now();
  const message = {
    v: 1,
    aud: identityFile(hostDir()).load().host,
    seq: Number.MAX_SAFE_INTEGER,
    issued_ms: now_ms,
    expires_ms: now_ms + 60_000,
    body,
  };
  const payload = Buffer.from(JSON.stringify(message));
  return encodeEnvelope(signEnvelope(payloadTypes.down, payload, key).envelope, "");
}
function handOver(from: KeyObject, to: KeyObject): RegistryKeyChange {
  const origin = identityFile(hostDir()).load().log_origin;
  const at_ms = Date.now();
  return signRegistryKeyChange({ purpose: "receipt", origin, at_ms, until_ms: at_ms + day_ms }, from, to);
}
/** The checkpoint that a chain would have anchored, told to hosts when they connect. */
const anchorAll = (): number =>
  withDb((db) => {
    const evidence = createEvidenceLog(db);
    const origin = createMeta(db).get("origin")!;
    const { size, root: top } = createCheckpointer(db, evidence, origin, keyFile("log.key")).current();
    const anchored = { type: "anchored", size, root: top.toString("hex"), tx: `0x${"ab".repeat(32)}` };
    createMeta(db).set("anchored", JSON.stringify(anchored));
    return size;
  });

it("a key change that somebody else has signed, sent to a host", async () => {
  await runAgent();
  await receipted(3);
  const thief = newKey();
  const old = trustedSpki();
  // By the broker's own key; and a true message that holds what another key has signed.
  fromBroker(messageBy(thief, { type: "registry-key", change: handOver(thief, newKey()) }));
  expect(warned).toContain("SIGNATURE_INVALID");
  const forged = { ...handOver(thief, newKey()), from_spki: old };
  fromBroker(messageBy(keyFile("receipt.key"), { type: "registry-key", change: forged }));
  expect(warned).toContain("REGISTRY_KEY_CHANGE_INVALID");
  expect(trustedSpki()).toBe(old);
}, 90_000);

it("a registry key that was stolen and then rotated, used against hosts that have gone over", async () => {
  await runAgent();
  await receipted(3);
  const stolen = keyFile("receipt.key");
  await stopRegistry();
  const { to_spki } = rotate("receipt");
  const size = anchorAll();
  const before = headSeq();
  await startRegistry();
  await until("the host to go over", 40_000, () => trustedSpki() === to_spki);
  // Nothing is lost on the way, receipts by the next key are taken, and so is the word that an anchor covers reports.
  await receipted(before + 3);
  await until("anchored reports to be let go", 20_000, () => (spooled().first_idx ?? 0) >= size);
  await until("health", 20_000, () => fold().state === "healthy");
  expect(fold()).toMatchObject({ missing: 0, dispute: null });

  // The old key neither says anything now, nor leads anywhere.
  const held = spooled().receipted!;
  fromBroker(
    messageBy(stolen, { type: "anchored", size: 1e9, root: "00".repeat(32), tx: `0x${"00".repeat(32)}` }),
  );
  fromBroker(messageBy(stolen, { type: "registry-key", change: handOver(stolen, newKey()) }));
  expect(trustedSpki()).toBe(to_spki);
  expect(spooled().receipted).toBeGreaterThanOrEqual(held);
  await receipted(headSeq() + 3);

  // Started again it trusts the next key alone.
  await agent?.stop();
  agent = null;
  await runAgent();
  await receipted(headSeq() + 3);
  expect(fold()).toMatchObject({ missing: 0, dispute: null });
}, 120_000);

it("a stolen key of the registry, used on a host before it hears of the rotation: it is led off, and its renewals say so", async () => {
  await runAgent();
  await receipted(3);
  await agent?.stop();
  agent = null;
  const stolen = keyFile("receipt.key");
  const thief = newKey();
  await stopRegistry();
  await runAgent();
  // No broker of the registry's is there to be first.
  fromBroker(messageBy(stolen, { type: "registry-key", change: handOver(stolen, thief) }));
  expect(trustedSpki()).toBe(spkiOf(thief));
  rotate("receipt");
  await startRegistry();
  const { ca, enrol_url: url } = identityFile(hostDir()).load();
  const keys = fileKeyStore(join(hostDir(), "keys"));
  const registry_sha256 = hash("sha256", Buffer.from(spkiOf(thief), "base64"), "hex");
  await expect(renewIdentity({ url, keys, ca, registry_sha256 })).rejects.toMatchObject({
    code: "REGISTRY_KEY_MISMATCH",
  });
  expect(trustedSpki()).toBe(spkiOf(thief));
}, 90_000);

it("a checkpoint by a stolen log key alone, shown to readers who have gone over to the next", async () => {
  await stopRegistry();
  const stolen = keyFile("log.key");
  const { origin, from_spki, to_spki } = rotate("log");
  const [old, next] = [from_spki, to_spki].map((spki) =>
    createPublicKey({ key: Buffer.from(spki, "base64"), format: "der", type: "spki" }),
  ) as [KeyObject, KeyObject];
  const forged = signCheckpoint({ origin, size: 1000, root: Buffer.alloc(32, 7) }, stolen);
  expect(openCheckpoint(forged, origin, old).size).toBe(1000);
  expect(() => openCheckpoint(forged, origin, next)).toThrow(
    expect.objectContaining({ code: "CHECKPOINT_SIGNATURE_INVALID" }),
  );
}, 60_000);
