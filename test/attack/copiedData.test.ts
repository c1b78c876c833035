import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import pino from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { enrolHost } from "../../agent/enrol/enrolHost.js";
import { identityFile } from "../../agent/enrol/identityFile.js";
import { fileKeyStore } from "../../agent/keys/fileKeyStore.js";
import { mqttTransport } from "../../agent/publisher/mqttTransport.js";
import { type Agent, startAgent } from "../../agent/runtime/startAgent.js";
import { systemClock } from "../../agent/runtime/systemClock.js";
import { noReading } from "../../agent/sources/noReading.js";
import type { TelemetrySource } from "../../agent/sources/telemetrySource.js";
import { parseEnrolToken } from "../../protocol/enrol/enrolToken.js";
import { until } from "../support/until.js";
import { type AttackSystem, attackSystem } from "./support/attackSystem.js";

const uuid = "GPU-a";
let system: AttackSystem;
let agents: Agent[];
let device: string;
const dir = (name: string): string => join(system.data_dir, "hosts", name);

beforeEach(async () => {
  agents = [];
  system = await attackSystem();
  const identity = await enrolHost({
    token: parseEnrolToken(system.token("test")),
    keys: fileKeyStore(join(dir("host"), "keys")),
    store: { store: "file" },
    uuids: [uuid],
    label: "rack-1",
    simulated: true,
    known: null,
  });
  identityFile(dir("host")).save({ ...identity, window_ms: 1000 });
  device = identity.devices[0]!.device;
});
afterEach(async () => {
  await Promise.all(agents.map((agent) => agent.stop()));
  await system.close();
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
const headSeq = (): number =>
  system.reader.prepare<[], number | null>("SELECT max(seq) FROM report").pluck().get() ?? -1;
/** Runs the agent of a data directory until the chain has grown by `count`. */
async function runFor(name: string, count: number): Promise<void> {
  const seq = headSeq() + count;
  const agent = await startAgent({
    data_dir: dir(name),
    source,
    host_facts: null,
    transport: mqttTransport,
    clock: systemClock,
    random: Math.random,
    log: pino({ level: "silent" }),
  });
  agents.push(agent);
  await until(`reports up to ${seq}`, 20_000, () => headSeq() >= seq);
  agents = agents.filter((one) => one !== agent);
  await agent.stop();
}

describe("a host's data, set back or copied", () => {
  it("a host restored from backup goes on from the registry's head, and says that it lost its state", async () => {
    await runFor("host", 3);
    cpSync(dir("host"), dir("backup"), { recursive: true });
    await runFor("host", 4);
    const before = headSeq();
    rmSync(dir("host"), { recursive: true });
    cpSync(dir("backup"), dir("host"), { recursive: true });
    await runFor("host", 3);
    expect(headSeq()).toBeGreaterThan(before);
    await system.found(device, "STATE_LOST");
    expect(system.findings(device).map(({ code }) => code)).not.toContain("EQUIVOCATION");
  }, 90_000);

  it("a spool whose tail was cut off shows as lost state", async () => {
    await runFor("host", 4);
    // All that was sent and might have been regretted is gone, the keys are kept.
    for (const suffix of ["", "-wal", "-shm"])
      rmSync(join(dir("host"), `spool.db${suffix}`), { force: true });
    await runFor("host", 3);
    await system.found(device, "STATE_LOST");
    expect(system.fold(device).missing).toBe(0);
  }, 90_000);

  it("a stolen spool without its keys starts no agent", async () => {
    await runFor("host", 2);
    cpSync(dir("host"), dir("thief"), { recursive: true });
    rmSync(join(dir("thief"), "keys"), { recursive: true });
    await expect(runFor("thief", 1)).rejects.toMatchObject({ code: expect.stringMatching(/^KEY_/) });
  }, 90_000);
});
