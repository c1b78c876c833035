import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pino from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createNvattest } from "../../agent/evidence/createNvattest.js";
import { siliconOf } from "../../agent/evidence/siliconOf.js";
import { createAgentCore } from "../../agent/runtime/createAgentCore.js";
import { noReading } from "../../agent/sources/noReading.js";
import { createSpool } from "../../agent/spool/createSpool.js";
import { openSpoolDatabase } from "../../agent/spool/openSpoolDatabase.js";
import { signEs256 } from "../../protocol/crypto/signEs256.js";
import { publicKeyFromSpki, spkiOf } from "../../protocol/crypto/spki.js";
import { encodeEnvelope } from "../../protocol/dsse/encodeEnvelope.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { signEnvelope } from "../../protocol/dsse/signEnvelope.js";
import { findingEventType } from "../../protocol/events/healthEvent.js";
import { pemOf } from "../../protocol/evidence/testing/syntheticDevice.js";
import { decodeEntry } from "../../protocol/log/entry.js";
import { createChallenger } from "../../registry/evidence/createChallenger.js";
import { assuranceOf } from "../../registry/health/raise.js";
import { rebuild, tableDigests } from "../../registry/store/rebuild.js";
import { openCore, registryKey, testOrigin } from "../../registry/testing/openCore.js";
import { testDevice } from "../../registry/testing/testDevice.js";
import { syntheticFleet, syntheticInventory } from "../support/syntheticFleet.js";
import { until } from "../support/until.js";

const nvattest = fileURLToPath(new URL("../simulator/nvattest", import.meta.url));
const uuid = "GPU-0";
const fleet = syntheticFleet("2921CE551E4EEDA3", "2921CE551E4EEDA4");
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "caliber-evidence-"));
});
const systems: { close(): void }[] = [];
afterEach(() => {
  for (const system of systems.splice(0)) system.close();
  rmSync(directory, { recursive: true });
});

/** A registry's core and an agent's, with `nvattest` between the agent and the GPU. */
function openSystem(path = nvattest) {
  const state = join(directory, "gpus.json");
  const wire = (gpus: typeof fleet.gpus): void =>
    writeFileSync(
      state,
      JSON.stringify(
        gpus.map((gpu) => ({
          report: gpu.report().toString("hex"),
          key: gpu.leafKey.export({ format: "pem", type: "pkcs8" }),
          chain: pemOf(gpu.certificates),
        })),
      ),
    );
  wire(fleet.gpus.slice(0, 1));
  const registry = openCore({ evidence_root: fleet.root_sha256 });
  const device = testDevice();
  const host = "h-1";
  registry.enrol(host, [device]);
  const spki = spkiOf(device.key);
  const warnings: string[] = [];
  let news = 0;
  let sent = 0;
  let heard = 0;
  let drawn = 0;
  const spool = createSpool(openSpoolDatabase(join(directory, "spool.db")), {
    max_reports: 1000,
    max_report_bytes: 10_000_000,
    max_sample_bytes: 1_000_000,
  });
  const agent = createAgentCore({
    identity: {
      host,
      devices: [{ uuid, device: device.id }],
      simulated: true,
      window_ms: 1000,
      recipient: `0x${"11".repeat(20)}`,
      log_origin: testOrigin,
    },
    keyOf: () => ({ id: device.id, spki, inTpm: false, sign: (message) => signEs256(message, device.key) }),
    discardFormer: () => undefined,
    registryKeys: () => ({ now: publicKeyFromSpki(spkiOf(registryKey)), former: null }),
    followRegistry: () => false,
    spool,
    clock: { now_ms: registry.now_ms, mono_ms: registry.now_ms },
    boot: "0".repeat(32),
    machine_boot: null,
    interval_ms: 1000,
    source: "nvml",
    host_facts: null,
    collector: createNvattest({ path, env: { CALIBER_SIM_NVATTEST: state } }),
    onNews: () => {
      news += 1;
    },
    log: pino({ level: "warn" }, { write: (line: string) => void warnings.push(line) }),
  });
  const challenger = createChallenger({
    devices: () => registry.projector.fleet.devices.values(),
    policy: () => registry.projector.fleet.policy,
    ledger: registry.ledger,
    downlink: { send: (to, body, ttl_ms = 1000) => tell(to, body, ttl_ms) },
    isRevoked: () => false,
    now_ms: registry.now_ms,
    random: () => 0,
    newChallenge: () => (++drawn).toString(16).padStart(64, "0"),
  });
  const tell = (aud: string, body: object, ttl_ms: number): void => {
    const issued_ms = registry.now_ms();
    const message = { v: 1, aud, seq: ++heard, issued_ms, expires_ms: issued_ms + ttl_ms, body };
    const { envelope } = signEnvelope(payloadTypes.down, Buffer.from(JSON.stringify(message)), registryKey);
    agent.receive(encodeEnvelope(envelope, ""));
  };
  tell(host, { type: "head", nonce: "", heads: [{ device: device.id, head: null }] }, 1000);
  agent.onInventory([syntheticInventory(uuid)]);
  const deliver = async (): Promise<void> => {
    for (const { envelope } of spool.waitingAfter(sent, 100)) {
      await registry.ingest.take({ host, device: device.id, payload: envelope });
      sent += 1;
    }
    registry.settle();
  };
  const system = {
    registry,
    wire,
    warnings,
    deliver,
    fold: () => registry.fold(device),
    assurance: () => assuranceOf(registry.fold(device)),
    kinds: () =>
      Array.from({ length: registry.log.size() }, (_, idx) => decodeEntry(registry.log.read(idx)!).kind),
    findings: (): { code: string; text: string }[] =>
      registry.db
        .prepare<[string], { body: string }>("SELECT body FROM event WHERE type = ? ORDER BY id")
        .all(findingEventType)
        .map(({ body }) => JSON.parse(body).data),
    /** The GPU is read once a second, and what the agent signed arrives. */
    async pass(seconds: number): Promise<void> {
      for (let n = 0; n < seconds; n += 1) {
        const at_ms = registry.advance(1000);
        const reading = { fast: { ...noReading.fast, util_permille: 500 }, health: noReading.health };
        const sample = { uuid, source: "nvml", supplied: [], xids: [], presence: "present" } as const;
        agent.onSamples([{ ...sample, ...reading, at_ms, at_mono_ms: at_ms }]);
        await deliver();
      }
    },
    /** The registry asks, as the policy has it. */
    ask(): void {
      system.fold().challenge_wanted = true;
      challenger.tick();
      registry.settle();
    },
    /** Until the agent has signed something more than its windows. */
    async answered(): Promise<void> {
      const before = news;
      await until("an answer", 10_000, () => news > before);
      await deliver();
    },
    expectRebuilt(): void {
      registry.settle();
      const live = tableDigests(registry.db);
      expect(rebuild(registry.db, fleet.root_sha256).digests).toEqual(live);
    },
    close(): void {
      agent.close();
      spool.close();
      registry.crash();
    },
  };
  systems.push(system);
  return system;
}

describe("GPU evidence, from the registry's challenge through nvattest and back", () => {
  it("calls the identity silicon once the GPU has answered, beside telemetry that goes on", async () => {
    const system = openSystem();
    await system.pass(3);
    expect(system.assurance()).toMatchObject({ identity: "declared", presence_at_ms: null });
    system.ask();
    await system.pass(2);
    await system.answered();
    expect(system.assurance()).toMatchObject({
      identity: "silicon",
      presence_at_ms: system.registry.now_ms(),
    });
    expect(system.kinds()).toContain("challenge");
    expect(system.findings()).toEqual([]);
    expect(system.fold().missing).toBe(0);
    system.expectRebuilt();
  });

  it("a GPU that is exchanged for another with genuine evidence", async () => {
    const system = openSystem();
    await system.pass(3);
    system.ask();
    await system.answered();
    system.wire(fleet.gpus.slice(1));
    system.ask();
    await system.answered();
    expect(system.fold()).toMatchObject({ state: "disputed", cause: "identity_changed" });
    expect(system.findings().map(({ code }) => code)).toEqual(["IDENTITY_CHANGED"]);
    system.expectRebuilt();
  });

  it("takes the answer of the GPU that is asked for, among those of the host", async () => {
    const system = openSystem();
    system.wire([...fleet.gpus].reverse());
    await system.pass(3);
    system.ask();
    await system.answered();
    // The inventory's index is 0.
    expect(system.fold().silicon?.strong_identity).toBe(strongOf(fleet.gpus[1]!));
  });

  it("challenges that are left unanswered: nothing is gained, nothing else is lost", async () => {
    const system = openSystem(join(directory, "no-such-program"));
    await system.pass(3);
    for (let n = 0; n < 2; n += 1) {
      system.ask();
      await until("a word of it", 5000, () =>
        system.warnings.some((line) => line.includes("COLLECTOR_MISSING")),
      );
      await system.pass(31);
    }
    expect(system.warnings.filter((line) => line.includes("COLLECTOR_MISSING"))).toHaveLength(1);
    expect(system.fold()).toMatchObject({ challenges_missed: 2, silicon: null, missing: 0 });
    expect(system.assurance().identity).toBe("declared");
  });

  it("a self-made GPU that answers every challenge", async () => {
    const system = openSystem();
    system.wire(syntheticFleet("2921CE551E4EEDA3").gpus);
    await system.pass(3);
    system.ask();
    await system.answered();
    expect(system.findings()).toMatchObject([
      { code: "ATTESTATION_FAILED", text: expect.stringContaining("EVIDENCE_CHAIN_ROOT_UNKNOWN") },
    ]);
  });
});

const strongOf = (gpu: (typeof fleet.gpus)[0]): string => siliconOf(pemOf(gpu.certificates)).strong_identity;
