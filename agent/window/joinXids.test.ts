import { describe, expect, it } from "vitest";
import type { XidEvent } from "../../protocol/report/schema.js";
import { joinXids } from "./joinXids.js";

const told = (xid: number | null, at_ms: number, over: Partial<XidEvent> = {}): XidEvent => ({
  xid,
  first_ms: at_ms,
  last_ms: at_ms,
  count: 1,
  source: "kernel-log",
  detail: `at ${at_ms}`,
  resolution: "RESET_GPU",
  severity: "impaired",
  rules: 1,
  ...over,
});

describe("joinXids", () => {
  it("makes a storm one entry, with its count, its first words and its span", () => {
    const storm = Array.from({ length: 5000 }, (_, n) => told(95, 1000 + n));
    expect(joinXids([...storm, told(48, 9000)])).toEqual([
      { ...told(95, 1000), last_ms: 5999, count: 5000 },
      told(48, 9000),
    ]);
  });

  it("keeps apart what different sources tell, and a fall off the bus from an Xid", () => {
    expect(joinXids([told(79, 1), told(79, 2, { source: "dcgm" }), told(null, 3)])).toHaveLength(3);
  });

  it("names no more kinds than a report can hold, and goes on counting those it names", () => {
    const many = Array.from({ length: 70 }, (_, xid) => told(xid, xid));
    const joined = joinXids([...many, told(0, 99)]);
    expect(joined).toHaveLength(64);
    expect(joined[0]).toMatchObject({ xid: 0, count: 2, last_ms: 99 });
  });

  it("keeps the worst when there are too many, and a bad 154 beside a harmless one", () => {
    const many = Array.from({ length: 70 }, (_, xid) => told(xid, xid, { severity: "info" }));
    const joined = joinXids([...many, told(79, 80, { severity: "lost" }), told(154, 81)]);
    expect(joined).toHaveLength(64);
    expect(joined.slice(-2).map(({ xid }) => xid)).toEqual([79, 154]);
    const both = [told(154, 1, { severity: "info" }), told(154, 2, { severity: "impaired" })];
    expect(joinXids(both)).toEqual(both);
  });
});
