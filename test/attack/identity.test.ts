import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { HostFacts, InventoryBody, TelemetryBody } from "../../protocol/report/schema.js";
import { busyTelemetry, inventoryOf } from "../support/testReports.js";
import {
  type AttackDevice,
  type AttackHost,
  type AttackSystem,
  attackSystem,
} from "./support/attackSystem.js";

let system: AttackSystem;
let alice: AttackHost;
let mallory: AttackHost;
let next = 0;
/** An honest device with a loan, so to say, and one of the attacker's; new ones for each attack. */
let victim: AttackDevice;
let own: AttackDevice;
let uuid: string;

beforeAll(async () => {
  system = await attackSystem();
  alice = await system.host("alice", 30);
  mallory = await system.host("mallory", 30, `0x${"22".repeat(20)}`);
});
afterAll(() => system.close());
beforeEach(async () => {
  next += 1;
  victim = alice.devices[next]!;
  own = mallory.devices[next]!;
  uuid = `GPU-${next}`;
  await victim.say("inventory", inventoryOf(uuid));
  await victim.say("telemetry", busyTelemetry);
});

const machine: HostFacts = {
  machine_id: "aa".repeat(32),
  boot_id: "00".repeat(16),
  vendor: null,
  product: null,
  serial: "S1",
  board_serial: "B1",
  chassis_serial: null,
  bios_version: null,
  virtualization: "none",
  os: null,
  kernel: null,
};
const load = (n: number): Partial<TelemetryBody> => ({
  power_mw: { min: 600_000 + n * 1117, mean: 650_000 + n * 977, max: 690_000 + n * 1013 },
});

describe("one GPU, pledged as two", () => {
  it("one GPU under two operators: the second is quarantined, the first is told and goes on", async () => {
    await own.say("inventory", inventoryOf(uuid));
    const { text } = await system.found(own.id, "IDENTITY_TAKEN");
    await system.found(victim.id, "IDENTITY_TAKEN");
    for (const device of [own, victim]) expect(text).toContain(device.id);
    expect(system.fold(own.id)).toMatchObject({ dispute: "identity_taken", held: null });
    expect(system.fold(victim.id)).toMatchObject({ dispute: null });
  });

  it("a UUID copied to freeze an honest loan, again and again", async () => {
    for (let i = 0; i < 5; i += 1) await own.say("inventory", inventoryOf(uuid));
    await system.found(victim.id, "IDENTITY_TAKEN");
    await victim.say("telemetry", busyTelemetry);
    await system.settled();
    expect(system.fold(victim.id)).toMatchObject({ dispute: null });
    expect(system.fold(victim.id).state).not.toBe("disputed");
    // Nor does it fill the victim's record: told once, the rest is counted.
    expect(system.findings(victim.id).filter(({ code }) => code === "IDENTITY_TAKEN")).toHaveLength(1);
    expect(system.fold(victim.id).findings.IDENTITY_TAKEN?.held).toBe(4);
  });

  it("one key that shows a second GPU after the first", async () => {
    await own.say("inventory", inventoryOf(`${uuid}-a`));
    await own.say("inventory", inventoryOf(`${uuid}-b`));
    await system.found(own.id, "IDENTITY_CHANGED");
    expect(system.fold(own.id)).toMatchObject({ state: "disputed", cause: "identity_changed" });
  });

  it("a key that takes up the UUID of another GPU when its own is on record", async () => {
    await own.say("inventory", inventoryOf(`${uuid}-own`));
    await own.say("inventory", inventoryOf(uuid));
    await system.found(own.id, "IDENTITY_CHANGED");
    await system.found(own.id, "IDENTITY_TAKEN");
    await system.settled();
    expect(system.fold(own.id).state).toBe("disputed");
    expect(system.fold(victim.id).dispute).toBeNull();
  });

  it("readings copied from another device", async () => {
    const window = own.window(1000);
    for (let n = 1; n <= 4; n += 1) {
      await victim.say("telemetry", { ...busyTelemetry, ...load(next * 10 + n) });
      await own.say("telemetry", { ...busyTelemetry, ...load(next * 10 + n) }, n === 1 ? window : undefined);
    }
    const { text } = await system.found(own.id, "SERIES_IDENTICAL");
    expect(text).toContain(victim.id);
    expect(system.fold(own.id).implausible.map(({ code }) => code)).toContain("SERIES_IDENTICAL");
    await system.found(victim.id, "SERIES_IDENTICAL");
    expect(system.fold(victim.id).implausible).toEqual([]);
  });
});

describe("a GPU that is not what it was", () => {
  it.each<{ name: string; code: string; first: Partial<InventoryBody>; later: Partial<InventoryBody> }>([
    {
      name: "a device moved to another machine",
      code: "MACHINE_CHANGED",
      first: { host: machine },
      later: { host: { ...machine, machine_id: "bb".repeat(32) } },
    },
    {
      name: "a GPU in another server with the machine id copied",
      code: "MACHINE_CHANGED",
      first: { host: machine },
      later: { host: { ...machine, serial: "S2" } },
    },
    {
      name: "a board swapped under one UUID",
      code: "PART_CHANGED",
      first: { serial: "1" },
      later: { serial: "2" },
    },
    {
      name: "a smaller model under one UUID",
      code: "PART_CHANGED",
      first: {},
      later: { fb_total_mib: 40_960 },
    },
    {
      name: "a VBIOS that was flashed",
      code: "VBIOS_CHANGED",
      first: {},
      later: { vbios_version: "00.00.00.00.02" },
    },
    {
      name: "a driver that was changed",
      code: "DRIVER_CHANGED",
      first: {},
      later: { driver_version: "570.00" },
    },
  ])("$name", async ({ code, first, later }) => {
    const before = await own.say("inventory", { ...inventoryOf(`${uuid}-x`), ...first });
    const after = await own.say("inventory", { ...inventoryOf(`${uuid}-x`), ...later });
    const { text } = await system.found(own.id, code);
    // Both sides, by statement.
    for (const { statement } of [before, after]) expect(text).toContain(statement);
  });

  it("a GPU added to a host after its enrolment", async () => {
    const { enrolment } = await import("../support/enrolHarness.js");
    const { parseEnrolToken } = await import("../../protocol/enrol/enrolToken.js");
    const { generateKeyPairSync } = await import("node:crypto");
    const { deviceIdOf } = await import("../../protocol/crypto/deviceIdOf.js");
    const { spkiOf } = await import("../../protocol/crypto/spki.js");
    const { testChain } = await import("../support/testReports.js");
    const host = await system.host("grows", 1);
    await host.devices[0]!.say("inventory", inventoryOf(`${uuid}-first`));
    const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    const { secret } = parseEnrolToken(system.token("grows"));
    const body = enrolment({ secret, hostKey: host.key, deviceKeys: [key] });
    await post(body);
    const added = { id: deviceIdOf(spkiOf(key)), key };
    const at = { start_ms: system.now_ms(), end_ms: system.now_ms() };
    const { bytes, statement } = testChain(added, host.id).next(
      "inventory",
      inventoryOf(`${uuid}-added`),
      at,
    );
    expect(await host.link().send(added.id, bytes, statement)).toEqual({ kept: expect.any(Number) });
    const { text } = await system.found(added.id, "HOST_GPUS_CHANGED");
    expect(text).toContain(`${uuid}-first`);
    await system.found(host.devices[0]!.id, "HOST_GPUS_CHANGED");
  });
});

describe("readings that a spoofed nvidia-smi makes up", () => {
  const h100 = {
    name: "NVIDIA H100 80GB HBM3",
    pci_device_id: "0x233010DE",
    gpu_part_number: "2330-885-A1",
    architecture: "Hopper",
  };
  it.each<{
    name: string;
    code: string;
    inventory?: Partial<InventoryBody>;
    telemetry?: Partial<TelemetryBody>;
  }>([
    {
      name: "a spoofed nvidia-smi that calls a smaller GPU an H100",
      code: "MEMORY_NOT_OF_MODEL",
      inventory: { ...h100, fb_total_mib: 24_576 },
    },
    {
      name: "a spoofed nvidia-smi that shows an H100 with another model's PCI id",
      code: "MODEL_CONTRADICTION",
      inventory: { ...h100, pci_device_id: "0x20B210DE" },
    },
    {
      name: "a spoofed nvidia-smi that shows work at idle power",
      code: "BUSY_AT_IDLE_POWER",
      inventory: { ...h100, fb_total_mib: 81_559 },
      telemetry: { power_mw: { min: 60_000, mean: 61_000, max: 66_000 } },
    },
    {
      name: "a spoofed nvidia-smi that repeats one reading",
      code: "READINGS_FROZEN",
      telemetry: { power_mw: { min: 655_000, mean: 655_000, max: 655_000 } },
    },
    {
      name: "a spoofed nvidia-smi that shows readings of an absent GPU",
      code: "READINGS_WHILE_ABSENT",
      telemetry: { presence: "missing", present_ms: 0 },
    },
    {
      name: "more presence than the window has time",
      code: "PRESENT_BEYOND_WINDOW",
      telemetry: { present_ms: 60_000 },
    },
  ])("$name", async ({ code, inventory, telemetry }) => {
    await own.say("inventory", { ...inventoryOf(`${uuid}-y`), ...inventory });
    await own.say("telemetry", { ...busyTelemetry, present_ms: 1000, ...load(next * 100), ...telemetry });
    await system.found(own.id, code);
    expect(system.fold(own.id).conditions.implausible?.active).toBe(true);
  });
});

describe("time that is made up", () => {
  /** One report a minute of the registry's clock, which the test turns; ended `late_ms` ago. */
  const report = async (
    device: AttackDevice,
    minutes: number,
    late_ms: number,
    beacon = system.beacons.latest,
  ) => {
    let end_ms = system.now_ms() - late_ms;
    for (let i = 0; i < minutes; i += 1) {
      system.pass(60_000);
      const start_ms = end_ms;
      end_ms = system.now_ms() - late_ms;
      const { bytes, statement } = device.chain.next(
        "telemetry",
        { ...busyTelemetry, ...load(i) },
        { start_ms, end_ms },
        beacon,
      );
      const answer = await mallory.link().send(device.id, bytes, statement);
      expect(answer).toEqual({ kept: expect.any(Number) });
    }
  };

  it("reports signed in advance, with the beacon of that day, while the GPU is sold", async () => {
    await report(own, 32, 0, system.beacons.first);
    const { text } = await system.found(own.id, "BEACON_OLD");
    expect(text).toContain(system.beacons.latest.hash);
  });

  it("a clock that is five minutes behind, or reports held back to be doctored", async () => {
    await report(own, 5, 0);
    // In steps: a leap would be an outage of the registry, which is not held against the host.
    for (let i = 0; i < 5; i += 1) {
      system.pass(60_000);
      await sleep(300);
    }
    await report(own, 17, 5 * 60_000);
    await system.found(own.id, "CLOCK_BEHIND");
    expect(system.findings(victim.id).map(({ code }) => code)).not.toContain("CLOCK_BEHIND");
  });
});

async function post(body: unknown): Promise<void> {
  const { request } = await import("node:https");
  const status = await new Promise<number>((resolve, reject) => {
    const { enrol_port: port } = system.registry();
    request(
      {
        host: "localhost",
        port,
        path: "/v1/enrol",
        method: "POST",
        ca: system.ca().certificate,
        headers: { "content-type": "application/json" },
        agent: false,
      },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    )
      .on("error", reject)
      .end(JSON.stringify(body));
  });
  expect(status).toBe(200);
}
