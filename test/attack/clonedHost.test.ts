import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { enrolHost } from "../../agent/enrol/enrolHost.js";
import { identityFile } from "../../agent/enrol/identityFile.js";
import { fileKeyStore } from "../../agent/keys/fileKeyStore.js";
import { mqttTransport } from "../../agent/publisher/mqttTransport.js";
import { type Agent, startAgent } from "../../agent/runtime/startAgent.js";
import { systemClock } from "../../agent/runtime/systemClock.js";
import { noReading } from "../../agent/sources/noReading.js";
import type { TelemetrySource } from "../../agent/sources/telemetrySource.js";
import { parseEnrolToken } from "../../protocol/enrol/enrolToken.js";
import type { CaliberEvent } from "../../protocol/events/healthEvent.js";
import { createEnrolToken } from "../../registry/createEnrolToken.js";
import { createRegistry, type Registry } from "../../registry/createRegistry.js";
import { databasePath } from "../../registry/databasePath.js";
import { openDatabase } from "../../registry/store/openDatabase.js";
import { until } from "../support/until.js";

const uuid = "GPU-a";
const log = pino({ level: "silent" });
let root: string;
let registry: Registry;
let agents: Agent[];

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "caliber-clone-"));
  agents = [];
  registry = await createRegistry({
    data_dir: join(root, "registry"),
    bind: "127.0.0.1",
    api_bind: "127.0.0.1",
    server_names: ["localhost"],
    mqtt_port: 0,
    enrol_port: 0,
    api_port: 0,
    host_packets_per_s: 1000,
    policy: "standard",
    window_ms: 1000,
    tick_ms: 500,
    chain: null,
    log,
    now_ms: Date.now,
    onFatal(error) {
      throw error;
    },
  });
});
afterEach(async () => {
  await Promise.all(agents.map((agent) => agent.stop()));
  await registry.stop();
  rmSync(root, { recursive: true });
});

/** A GPU that answers every quarter of a second. */
const source = (): TelemetrySource => {
  let timer: NodeJS.Timeout;
  return {
    name: "nvidia-smi",
    start: async ({ onSamples }) => {
      timer = setInterval(() => {
        const at = { at_ms: systemClock.now_ms(), at_mono_ms: systemClock.mono_ms() };
        const told = {
          uuid,
          source: "nvidia-smi" as const,
          supplied: [],
          xids: [],
          presence: "present" as const,
        };
        onSamples([{ ...noReading, ...told, ...at }]);
      }, 250);
    },
    stop: async () => clearInterval(timer),
    inventory: () => [],
  };
};
const run = async (name: string): Promise<Agent> => {
  const agent = await startAgent({
    data_dir: join(root, name),
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
const told = (): CaliberEvent[] => {
  const db = openDatabase(databasePath(join(root, "registry")));
  const rows = db.prepare<[], string>("SELECT body FROM event ORDER BY id").pluck().all();
  db.close();
  return rows.map((body) => JSON.parse(body) as CaliberEvent);
};
const findings = (): string[] => told().flatMap(({ data }) => ("code" in data ? [data.code] : []));
const headSeq = (): number => {
  const db = openDatabase(databasePath(join(root, "registry")));
  const seq = db.prepare<[], number | null>("SELECT max(seq) FROM report").pluck().get();
  db.close();
  return seq ?? -1;
};

it("a host's data directory that is cloned is noticed, once both speak", async () => {
  const token = createEnrolToken({
    data_dir: join(root, "registry"),
    url: `https://localhost:${registry.enrol_port}`,
    recipient: `0x${"11".repeat(20)}`,
    operator: "test",
    valid_ms: 60_000,
    now_ms: Date.now(),
  });
  const identity = await enrolHost({
    token: parseEnrolToken(token),
    keys: fileKeyStore(join(root, "host", "keys")),
    store: { store: "file" },
    uuids: [uuid],
    label: "rack-1",
    simulated: true,
    known: null,
  });
  identityFile(join(root, "host")).save(identity);
  const first = await run("host");
  await until("the first reports", 10_000, () => headSeq() >= 2);
  await stop(first);
  cpSync(join(root, "host"), join(root, "clone"), { recursive: true });

  // One at a time it is a host that moved: nothing to say against it.
  await stop(await runFor("clone", headSeq() + 2));
  expect(findings()).not.toContain("KEY_IN_TWO_PLACES");

  await Promise.all([run("host"), run("clone")]);
  await until("the clone to be noticed", 60_000, () =>
    findings().some((code) => code === "KEY_IN_TWO_PLACES" || code === "EQUIVOCATION"),
  );
}, 90_000);

const runFor = async (name: string, seq: number): Promise<Agent> => {
  const agent = await run(name);
  await until(`reports up to ${seq}`, 15_000, () => headSeq() >= seq);
  return agent;
};
