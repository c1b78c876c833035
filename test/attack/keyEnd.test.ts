import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { askAgent } from "../../agent/control/askAgent.js";
import { enrolHost } from "../../agent/enrol/enrolHost.js";
import { identityFile } from "../../agent/enrol/identityFile.js";
import { fileKeyStore } from "../../agent/keys/fileKeyStore.js";
import { mqttTransport } from "../../agent/publisher/mqttTransport.js";
import { type Agent, startAgent } from "../../agent/runtime/startAgent.js";
import { systemClock } from "../../agent/runtime/systemClock.js";
import { noReading } from "../../agent/sources/noReading.js";
import type { TelemetrySource } from "../../agent/sources/telemetrySource.js";
import { parseEnrolToken } from "../../protocol/enrol/enrolToken.js";
import { createEnrolToken } from "../../registry/createEnrolToken.js";
import { createRegistry, type Registry } from "../../registry/createRegistry.js";
import { databasePath } from "../../registry/databasePath.js";
import type { DeviceFold } from "../../registry/health/deviceFold.js";
import { openDatabase } from "../../registry/store/openDatabase.js";
import { rebuild, tableDigests } from "../../registry/store/rebuild.js";
import { inventoryOf } from "../support/testReports.js";
import { until } from "../support/until.js";

const uuid = "GPU-a";
const log = pino({ level: "silent" });
let root: string;
let registry: Registry | null;
let agents: Agent[];
const registryDir = (): string => join(root, "registry");
const hostDir = (name = "host"): string => join(root, name);

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "caliber-key-end-"));
  agents = [];
  registry = await createRegistry({
    data_dir: registryDir(),
    bind: "127.0.0.1",
    api_bind: "127.0.0.1",
    server_names: ["localhost"],
    mqtt_port: 0,
    enrol_port: 0,
    api_port: 0,
    host_packets_per_s: 1000,
    policy: "demo",
    window_ms: 1000,
    tick_ms: 500,
    chain: null,
    log,
    now_ms: Date.now,
    onFatal(error) {
      throw error;
    },
  });
  await enrol();
});
afterEach(async () => {
  await Promise.all(agents.map((agent) => agent.stop()));
  await registry?.stop();
  rmSync(root, { recursive: true });
});

const enrol = async (): Promise<void> => {
  const token = createEnrolToken({
    data_dir: registryDir(),
    url: `https://localhost:${registry!.enrol_port}`,
    recipient: `0x${"11".repeat(20)}`,
    operator: "test",
    valid_ms: 60_000,
    now_ms: Date.now(),
  });
  const file = identityFile(hostDir());
  const identity = await enrolHost({
    token: parseEnrolToken(token),
    keys: fileKeyStore(join(hostDir(), "keys")),
    store: { store: "file" },
    uuids: [uuid],
    label: "rack-1",
    simulated: true,
    known: file.exists() ? file.load() : null,
  });
  file.save(identity);
};
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
const run = async (name = "host"): Promise<Agent> => {
  const agent = await startAgent({
    data_dir: hostDir(name),
    source,
    host_facts: null,
    transport: mqttTransport,
    clock: systemClock,
    random: Math.random,
    log,
  });
  agents.push(agent);
  return agent;
};
const stop = async (agent: Agent): Promise<void> => {
  agents = agents.filter((one) => one !== agent);
  await agent.stop();
};
const read = <T>(sql: string): T[] => {
  const db = openDatabase(databasePath(registryDir()));
  try {
    return db.prepare<[], T>(sql).pluck().all();
  } finally {
    db.close();
  }
};
const folds = (): DeviceFold[] =>
  read<string>("SELECT fold FROM device_fold ORDER BY id").map((fold) => JSON.parse(fold) as DeviceFold);
const reported = (n: number): Promise<unknown> =>
  until(`report ${n}`, 15_000, () => read<number | null>("SELECT max(seq) FROM report")[0]! >= n);
const keyFiles = (): string[] =>
  readdirSync(join(hostDir(), "keys")).filter((name) => name.startsWith("device-"));
/** @throws Error when the log alone does not give the same tables. */
const expectRebuildGivesTheSame = async (): Promise<void> => {
  await registry!.stop();
  registry = null;
  const db = openDatabase(databasePath(registryDir()));
  const before = tableDigests(db);
  expect(rebuild(db).digests).toEqual(before);
  db.close();
};

it("a key that is rotated under way hands its record on, without a gap, and a stolen copy of it is worth nothing", async () => {
  const first = await run();
  await reported(3);
  const old = folds()[0]!.device;
  cpSync(hostDir(), hostDir("copy"), { recursive: true, filter: (path) => !path.endsWith(".sock") });

  expect(await askAgent(hostDir(), { type: "rotate", gpu: null })).toBe(1);
  const rotated = await until("the rotation", 15_000, () => folds().find(({ device }) => device !== old));
  const { last_seq } = rotated.former_keys[0]!;
  expect(rotated.former_keys).toMatchObject([{ device: old }]);
  expect(identityFile(hostDir()).load().devices).toEqual([{ uuid, device: rotated.device }]);
  await reported(last_seq + 3);
  expect(folds()).toHaveLength(1);
  expect(folds()[0]).toMatchObject({ missing: 0, dispute: null, state: "healthy" });

  // A restart goes on under the new key, also when the identity file is as it was before.
  await stop(first);
  cpSync(join(hostDir("copy"), "identity.json"), join(hostDir(), "identity.json"));
  const second = await run();
  await reported(read<number>("SELECT max(seq) FROM report")[0]! + 2);
  expect(folds()[0]).toMatchObject({ device: rotated.device, missing: 0 });
  await stop(second);

  // Who took the old key before signs for nobody now.
  await run("copy");
  await until("the copy to be refused", 30_000, () =>
    read<string>("SELECT code FROM rejected").includes("KEY_NOT_IN_FORCE"),
  );
  expect(folds()[0]).toMatchObject({ device: rotated.device, dispute: null });
  await expectRebuildGivesTheSame();
}, 90_000);

it("a GPU that is retired is told so, its key is gone, and it comes back under another one alone", async () => {
  const first = await run();
  await reported(3);
  const old = folds()[0]!.device;
  await askAgent(hostDir(), { type: "retire", gpu: uuid, reason: "sold" });
  await until("the retirement", 15_000, () => folds()[0]!.state === "retired");
  expect(keyFiles()).toEqual([]);
  expect(identityFile(hostDir()).load().devices).toEqual([]);
  await expect(askAgent(hostDir(), { type: "retire", gpu: uuid, reason: "sold" })).rejects.toMatchObject({
    code: "GPU_UNKNOWN",
  });
  await stop(first);

  await enrol();
  await run();
  const back = await until("the GPU under its new key", 20_000, () =>
    folds().find(({ device, state }) => device !== old && state === "healthy"),
  );
  expect(back.dispute).toBeNull();
  expect(folds()[0]).toMatchObject({ device: old, state: "retired", retired: { reason: "sold" } });
  expect(existsSync(join(hostDir(), "keys"))).toBe(true);
  await expectRebuildGivesTheSame();
}, 90_000);
