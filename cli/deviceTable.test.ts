import { describe, expect, it } from "vitest";
import { deviceViews } from "../test/support/deviceViews.js";
import { deviceTable } from "./deviceTable.js";

const devices = deviceViews(16);
const now_ms = 60_000;
const widest = (lines: string[]): number => Math.max(...lines.map((line) => line.length));

describe("deviceTable", () => {
  it("shows all that is known in 120 columns, at its longest", () => {
    const lines = deviceTable(devices, now_ms, 120);
    expect(widest(lines)).toBeLessThanOrEqual(120);
    expect(lines).toHaveLength(17);
    expect(lines[1]).toMatch(
      /^sim-a \(sim\) +00000000 +H100 80GB HBM3 +impaired: row_remap_failure +100% +100% +100.0% +#1 +software\/declared +60s$/,
    );
  });

  it("leaves out columns in 80, never the state, the token or that it is simulated", () => {
    const lines = deviceTable(devices, now_ms, 80);
    expect(widest(lines)).toBeLessThanOrEqual(80);
    for (const line of lines.slice(1)) expect(line).toMatch(/^sim-a \(sim\).*impaired.*#\d+/);
  });

  it("drops nothing where there is no width", () => {
    const [device] = deviceViews(1);
    const label = "a-label-longer-than-any-that-fits";
    const lines = deviceTable([{ ...device!, declared: { ...device!.declared, label } }], now_ms);
    expect(lines[0]).toMatch(/^HOST.*MODEL.*KEY\/IDENTITY +AGE$/);
    expect(lines[1]).toContain("a-label-longer-than… (sim)");
  });

  it("puts a dash for what is not known, and never a zero", () => {
    const [device] = deviceViews(1);
    const none = { ...device!.derived.usage["24h"], util_permille: null, uptime_permille: null };
    const lines = deviceTable(
      [
        {
          ...device!,
          reported: null,
          token: null,
          declared: { ...device!.declared, model: null },
          derived: {
            ...device!.derived,
            state: "stale",
            cause: "never_reported",
            last_verified_ms: null,
            usage: { ...device!.derived.usage, "24h": none },
          },
        } as typeof device & object,
      ],
      now_ms,
    );
    expect(lines[1]).toMatch(/ - +stale: never_reported +- +- +- +- +software\/declared +never$/);
  });
});
