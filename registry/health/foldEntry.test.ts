import { describe, expect, it } from "vitest";
import { weakIdentityOf } from "../../protocol/crypto/weakIdentityOf.js";
import { findingEventType, healthEventType } from "../../protocol/events/healthEvent.js";
import { busyTelemetry } from "../../test/support/testReports.js";
import { foldBench, gapBody } from "../testing/foldBench.js";
import { healthPolicies } from "./policy.js";

const minute = 60_000;
const hour = 60 * minute;
const device = "d1".repeat(32);
const other = "d2".repeat(32);
const contract = `0x${"cc".repeat(20)}`;

const healthy = () => {
  const bench = foldBench(healthPolicies.standard);
  bench.enrol(device);
  bench.report(device, 1);
  return bench;
};
const minted = (of: string, token_id = "7") =>
  ({
    kind: "chain",
    body: { type: "minted", device: of, chain_id: 31337, contract, token_id, tx: "0x1", block: 1 },
  }) as const;

describe("the registry's own silence", () => {
  it("is excused when it is short", () => {
    const bench = healthy();
    bench.pass(2 * minute);
    bench.down(4 * minute);
    expect(bench.outages).toHaveLength(1);
    expect(bench.state(device)).toBe("healthy/none");
    // Two minutes of the device's own silence were there before.
    bench.pass(3 * minute, 1000);
    expect(bench.state(device)).toBe("healthy/none");
    bench.pass(1000);
    expect(bench.state(device)).toBe("stale/device_silent");
    expect(bench.health(device).at(-1)?.data.value).toBe(5 * minute + 1000);
  });

  it("is no outage while ticks come often enough", () => {
    const bench = healthy();
    bench.down(3 * minute);
    expect(bench.outages).toEqual([]);
    bench.down(3 * minute);
    expect(bench.state(device)).toBe("stale/device_silent");
  });

  it("makes devices stale, by name, when it is long, until they are heard again", () => {
    const bench = healthy();
    const from_ms = bench.now();
    bench.down(hour);
    expect(bench.outages).toEqual([{ from_ms, to_ms: bench.now() }]);
    expect(bench.state(device)).toBe("stale/registry_silent");
    expect(bench.health(device).at(-1)?.data.evidence).toMatch(/^tick:/);
    bench.pass(5 * minute, 1000);
    expect(bench.state(device)).toBe("stale/registry_silent");
    // Reports of the time of the outage come late, by no fault of theirs: they count.
    const window = { start_ms: from_ms, end_ms: from_ms + minute };
    bench.put(bench.next(device, "telemetry", { ...busyTelemetry, present_ms: minute }, window));
    expect(bench.windows.at(-1)?.standing).toBe("proven");
    bench.telemetry(device);
    expect(bench.state(device)).toBe("healthy/none");
  });

  it("is not blamed for what is silent after it, nor for what was silent before it", () => {
    const bench = healthy();
    bench.enrol(other);
    bench.report(other, 6);
    expect(bench.state(device)).toBe("stale/device_silent");
    bench.down(hour);
    expect([bench.state(device), bench.state(other)]).toEqual([
      "stale/device_silent",
      "stale/registry_silent",
    ]);
    const back_ms = bench.now();
    bench.pass(5 * minute + 1000, 1000);
    expect(bench.state(other)).toBe("stale/device_silent");
    expect(bench.health(other).at(-1)?.data).toMatchObject({
      previous: "stale",
      current: "stale",
      value: bench.now() - back_ms,
    });
    expect(bench.health(device).map(({ data }) => data.cause)).toEqual(["none", "device_silent"]);
  });

  it("goes on when one outage follows another", () => {
    const bench = healthy();
    bench.down(hour);
    bench.pass(4 * minute);
    bench.down(4 * minute);
    bench.pass(4 * minute);
    expect(bench.state(device)).toBe("stale/registry_silent");
  });

  it("changes nothing for a device that has never reported", () => {
    const bench = foldBench();
    bench.enrol(device);
    bench.down(hour);
    expect(bench.state(device)).toBe("stale/never_reported");
  });
});

describe("identity", () => {
  it("belongs to who showed it first: the newcomer waits in dispute, the incumbent is told and not harmed", () => {
    const bench = healthy();
    bench.inventory(device, "GPU-a");
    bench.enrol(other, "h-2");
    bench.inventory(other, "GPU-a");
    bench.report(other, 1);
    bench.telemetry(device);
    expect([bench.state(device), bench.state(other)]).toEqual(["healthy/none", "disputed/identity_taken"]);
    const told = [...bench.findings(device), ...bench.findings(other)].map(({ data }) => data);
    expect(told.map(({ code, device: of }) => [code, of])).toEqual([
      ["IDENTITY_TAKEN", device],
      ["IDENTITY_TAKEN", other],
    ]);
    expect(told[0]?.text).toContain(device);
    expect(told[0]?.text).toContain(other);
    expect(bench.fold(device).held).toBe(weakIdentityOf("GPU-a"));
    expect(bench.fold(other).held).toBeNull();
    // The incumbent says it again: still its own.
    bench.inventory(device, "GPU-a");
    expect(bench.findings(device)).toHaveLength(1);
  });

  it("that changes under one key is a finding", () => {
    const bench = healthy();
    bench.inventory(device, "GPU-a");
    bench.inventory(device, "GPU-a", { index: 3, pci_bus_id: "00000000:41:00.0" });
    expect(bench.findings(device)).toEqual([]);
    bench.inventory(device, "GPU-b");
    expect(bench.findings(device).map(({ data }) => data.code)).toEqual(["IDENTITY_CHANGED"]);
    expect(bench.state(device)).toBe("disputed/identity_changed");
    // Both stay its own: nobody else may take the old one up.
    bench.enrol(other);
    bench.inventory(other, "GPU-a");
    expect(bench.state(other)).toBe("disputed/identity_taken");
  });
});

describe("findings", () => {
  it("tell a jump, and know when it has been filled", () => {
    const bench = healthy();
    const fills = [0, 1, 2].map((i) => {
      const start_ms = bench.now() + i * 1000;
      return bench.next(device, "telemetry", busyTelemetry, { start_ms, end_ms: start_ms + 1000 });
    });
    bench.pass(minute);
    bench.telemetry(device);
    expect(bench.findings(device)[0]?.data).toMatchObject({
      code: "REPORTS_MISSING",
      text: "reports 1 to 3 are missing",
      count: 1,
    });
    expect(bench.fold(device).missing).toBe(3);
    bench.put(...fills.slice(0, 2));
    expect(bench.fold(device).missing).toBe(1);
    bench.put(fills[2]!);
    expect(bench.fold(device).missing).toBe(0);
  });

  it("tell lost state and dropped reports, but no plain restart", () => {
    const bench = healthy();
    const gap = (reason: "restart" | "state_lost" | "spool_overflow") =>
      bench.put(bench.next(device, "gap", gapBody(bench.now(), bench.now(), reason)));
    gap("restart");
    gap("state_lost");
    const dropped = { from_seq: 3, to_seq: 9 };
    const body = { ...gapBody(bench.now(), bench.now(), "spool_overflow"), dropped };
    bench.put(bench.next(device, "gap", body));
    expect(bench.findings(device).map(({ data }) => data.code)).toEqual(["STATE_LOST", "REPORTS_DROPPED"]);
    expect(bench.findings(device)[1]?.data.text).toContain("reports 3 to 9 dropped");
  });

  it("of one code are told once in ten minutes; the next says how many there were", () => {
    const bench = healthy();
    const refuse = (code: string) =>
      bench.put({
        kind: "reject",
        body: { digest: "ab".repeat(32), host: "h-1", device, code, at_ms: bench.now() },
      });
    for (let i = 0; i < 5; i += 1) refuse("SIGNATURE_INVALID");
    refuse("SCHEMA_INVALID");
    bench.pass(10 * minute, minute);
    refuse("SIGNATURE_INVALID");
    expect(bench.findings(device).map(({ data }) => [data.code, data.count])).toEqual([
      ["SIGNATURE_INVALID", 1],
      ["SCHEMA_INVALID", 1],
      ["SIGNATURE_INVALID", 5],
    ]);
  });

  it("are not held against a device whose name somebody else used", () => {
    const bench = healthy();
    const body = { digest: "ab".repeat(32), device, code: "DEVICE_NOT_OF_HOST", at_ms: bench.now() };
    bench.put({ kind: "reject", body: { ...body, host: "h-2" } });
    bench.put({ kind: "reject", body: { ...body, host: "h-1", device: other } });
    bench.put({ kind: "finding", body: { code: "X", device: other, at_ms: 0, sides: [], text: "" } });
    expect(bench.events).toHaveLength(1);
  });

  it("dispute a device that equivocates, once and for good", () => {
    const bench = healthy();
    const finding: Parameters<typeof bench.put>[0] = {
      kind: "finding",
      body: { code: "EQUIVOCATION", device, at_ms: bench.now(), sides: [], text: "two" },
    };
    bench.put(finding);
    bench.put(finding);
    bench.report(device, 3);
    expect(bench.state(device)).toBe("disputed/equivocation");
    expect(bench.health(device).at(-1)?.data.evidence).toMatch(/^entry:\d+$/);
    expect(bench.findings(device)).toHaveLength(1);
  });

  it("of a wrong link do not dispute", () => {
    const bench = healthy();
    const body = { code: "PREV_MISMATCH", device, at_ms: bench.now(), sides: [], text: "" };
    bench.put({ kind: "finding", body });
    expect(bench.state(device)).toBe("healthy/none");
    expect(bench.findings(device)).toHaveLength(1);
  });
});

describe("events", () => {
  it("are CloudEvents 1.0 with the tick's time", () => {
    const bench = healthy();
    expect(bench.health(device)).toEqual([
      {
        specversion: "1.0",
        id: `${device.slice(0, 32)}-1`,
        source: "caliber:log:test.example/log",
        type: healthEventType,
        subject: `urn:caliber:device:${device}`,
        time: new Date(bench.now()).toISOString(),
        datacontenttype: "application/json",
        sequence: "00000000000000000001",
        data: {
          device,
          host: "h-1",
          simulated: true,
          previous: "stale",
          current: "healthy",
          cause: "none",
          value: null,
          threshold: null,
          detail: null,
          since_ms: bench.now(),
          evidence: bench.fold(device).head?.statement,
          assurance: { key: "software", identity: "declared", presence_at_ms: null },
        },
      },
    ]);
  });

  it("count up without a hole for each device, through findings, a mint and a reorganisation", () => {
    const bench = healthy();
    bench.enrol(other);
    bench.report(other, 1, { presence: "lost" });
    bench.telemetry(device, { presence: "lost" });
    bench.put(bench.next(device, "gap", gapBody(bench.now(), bench.now(), "state_lost")));
    bench.put(minted(device));
    bench.report(device, 6);
    bench.put({
      kind: "chain",
      body: { type: "unminted", device, chain_id: 31337, contract, token_id: "7", block: 1 },
    });
    bench.pass(6 * minute);
    const own = bench.events.filter(({ data }) => data.device === device);
    expect(own.map(({ sequence }) => Number(sequence))).toEqual(own.map((_, i) => i + 1));
    expect(new Set(bench.events.map(({ id }) => id)).size).toBe(bench.events.length);
    const urn = `urn:caliber:device:${device}`;
    const did = `did:erc721:31337:${contract}:7`;
    expect(own.map(({ type, subject }) => [type, subject])).toEqual([
      [healthEventType, urn],
      [healthEventType, urn],
      [findingEventType, urn],
      [healthEventType, did],
      [healthEventType, urn],
    ]);
  });

  it("leave the last step of health apart from findings, which the chain must not be told", () => {
    const bench = healthy();
    bench.put(bench.next(device, "gap", gapBody(bench.now(), bench.now(), "state_lost")));
    expect(bench.fold(device)).toMatchObject({ sequence: 2, health_sequence: 1 });
  });
});

describe("titles", () => {
  const start = () => {
    const bench = healthy();
    bench.inventory(device, "GPU-a");
    return bench;
  };

  it("stand for the hardware as of the mint, and are amended when it changes", () => {
    const bench = start();
    bench.put(minted(device));
    const { token, inventory } = bench.fold(device);
    expect(token).toMatchObject({ token_id: "7", tx: "0x1", material: inventory?.material });
    bench.inventory(device, "GPU-a", { driver_version: "999", index: 5, power_limit_mw: 1 });
    expect(bench.fold(device).inventory?.material).toBe(token?.material);
    bench.inventory(device, "GPU-a", { vbios_version: "2" });
    expect(bench.fold(device).inventory?.material).not.toBe(token?.material);
    const evidence = bench.fold(device).inventory!.statement;
    bench.put({
      kind: "chain",
      body: { type: "amended", device, token_id: "7", evidence, tx: "0x2", block: 2 },
    });
    expect(bench.fold(device).token?.material).toBe(bench.fold(device).inventory?.material);
  });

  it("stand for the inventory that the transaction named, whatever came since", () => {
    const bench = start();
    bench.put(minted(device));
    bench.inventory(device, "GPU-a", { vbios_version: "2" });
    const named = bench.fold(device).inventory!;
    bench.inventory(device, "GPU-a", { vbios_version: "3" });
    const body = {
      type: "amended",
      device,
      token_id: "7",
      evidence: named.statement,
      tx: "0x2",
      block: 2,
    } as const;
    bench.put({ kind: "chain", body });
    expect(bench.fold(device).token).toMatchObject({ material: named.material });
    expect(bench.fold(device).token?.amended_ms).not.toBeNull();
    expect(bench.fold(device).inventory?.material).not.toBe(named.material);
  });

  it("are lost with the block that held the mint, and only then", () => {
    const bench = start();
    bench.put(minted(device));
    const body = { type: "unminted", device, chain_id: 31337, contract, block: 1 } as const;
    bench.put({ kind: "chain", body: { ...body, token_id: "8" } });
    expect(bench.fold(device).token?.token_id).toBe("7");
    bench.put({ kind: "chain", body: { ...body, token_id: "7" } });
    expect(bench.fold(device).token).toBeNull();
    bench.put({ kind: "chain", body: { ...body, device: other, token_id: "7" } });
  });
});
