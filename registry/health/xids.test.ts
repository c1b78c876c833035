import { describe, expect, it } from "vitest";
import type { TelemetryBody, XidEvent } from "../../protocol/report/schema.js";
import { foldBench } from "../testing/foldBench.js";

const device = "d1".repeat(32);
const xid = (over: Partial<XidEvent>): XidEvent => ({
  xid: 95,
  first_ms: 1,
  last_ms: 2,
  count: 1,
  source: "kernel-log",
  detail: "uncontained",
  resolution: "RESET_GPU",
  severity: "impaired",
  rules: 1,
  ...over,
});
const healthy = () => {
  const bench = foldBench();
  bench.enrol(device);
  bench.report(device, 1);
  return bench;
};
const told = (xids: XidEvent[], more: Partial<TelemetryBody> = {}) => ({ xids, ...more });

describe("Xids", () => {
  it.each<[string, XidEvent[], string]>([
    ["that impair", [xid({})], "impaired/xid_impaired"],
    ["that are to be watched", [xid({ xid: 94, severity: "watch" })], "watch/xid_watch"],
    ["that are for information", [xid({ xid: 63, severity: "info" })], "healthy/none"],
    ["of a loss that presence does not tell", [xid({ xid: 79, severity: "lost" })], "impaired/xid_impaired"],
    [
      "of a fall off the bus without a number",
      [xid({ xid: null, severity: "lost" })],
      "impaired/xid_impaired",
    ],
    [
      "of which the gravest counts",
      [xid({ severity: "watch" }), xid({}), xid({ severity: "info" })],
      "impaired/xid_impaired",
    ],
  ])("%s", (_, xids, state) => {
    const bench = healthy();
    bench.report(device, 1, told(xids));
    expect(bench.state(device)).toBe(state);
  });

  it("say in the event which, how often, what NVIDIA says of it, and by which rules", () => {
    const bench = healthy();
    bench.report(device, 1, told([xid({ count: 5000 })]));
    expect(bench.health(device).at(-1)?.data).toMatchObject({
      previous: "healthy",
      current: "impaired",
      cause: "xid_impaired",
      value: 95,
      threshold: null,
      detail: "Xid 95, 5000 times by kernel-log; NVIDIA: RESET_GPU; impaired by rules 1; uncontained",
      evidence: bench.fold(device).head?.statement,
    });
    expect(bench.fold(device).xid).toMatchObject({ worst: { xid: 95 } });
    const longest = xid({ xid: null, resolution: null, severity: "lost", detail: "x".repeat(200) });
    const other = healthy();
    other.report(device, 1, told([longest]));
    const { detail, value } = other.health(device).at(-1)!.data;
    expect([detail?.length, value]).toEqual([200, null]);
    expect(detail).toMatch(/^fell off the bus without an Xid, once by kernel-log; NVIDIA: no resolution; /);
  });

  it.each<[string, XidEvent, string]>([
    ["impaired", xid({}), "impaired/xid_impaired"],
    ["watch", xid({ severity: "watch" }), "watch/xid_watch"],
  ])("are cured by half an hour without another one: %s", (_, event, state) => {
    const bench = healthy();
    bench.report(device, 1, told([event]));
    bench.report(device, 29);
    expect(bench.state(device)).toBe(state);
    bench.report(device, 1, told([event]));
    bench.report(device, 29);
    expect(bench.state(device)).toBe(state);
    bench.report(device, 1);
    expect(bench.state(device)).toBe("healthy/none");
    expect(bench.fold(device).conditions).toEqual({});
  });

  it("are not cured by a GPU that cannot tell any", () => {
    const bench = healthy();
    bench.report(device, 1, told([xid({})]));
    bench.report(device, 60, { presence: "lost" });
    expect(bench.state(device)).toBe("lost/gpu_lost");
    bench.report(device, 10);
    expect(bench.state(device)).toBe("impaired/xid_impaired");
    // Back from the loss the event still says what it was.
    expect(bench.health(device).at(-1)?.data).toMatchObject({
      value: 95,
      detail: expect.stringContaining("RESET_GPU"),
    });
    bench.report(device, 20);
    expect(bench.state(device)).toBe("healthy/none");
  });

  it("do not tell a loss twice", () => {
    const bench = healthy();
    bench.report(device, 1, told([xid({ xid: 79, severity: "lost" })], { presence: "lost" }));
    expect(bench.state(device)).toBe("lost/gpu_lost");
    bench.report(device, 5);
    expect(bench.state(device)).toBe("healthy/none");
    expect(bench.fold(device).xid).toMatchObject({ worst: { xid: 79 } });
  });

  it("that go on for three days propose a breach", () => {
    const bench = healthy();
    for (let hour = 0; hour <= 73 * 3; hour += 1) bench.report(device, 20, told([xid({})]));
    expect(bench.state(device)).toBe("breach_proposed/uncured");
    expect(bench.health(device).at(-1)?.data.detail).toContain("Xid 95");
  });
});

it("SRAM past NVIDIA's threshold impairs, until it is not told any more for long enough", () => {
  const bench = healthy();
  bench.report(device, 1, { sram_threshold_exceeded: true });
  expect(bench.state(device)).toBe("impaired/sram_threshold_exceeded");
  bench.report(device, 60, { sram_threshold_exceeded: null });
  expect(bench.state(device)).toBe("impaired/sram_threshold_exceeded");
  bench.report(device, 30, { sram_threshold_exceeded: false });
  expect(bench.state(device)).toBe("healthy/none");
});
