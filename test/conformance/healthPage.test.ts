import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { healthCauses } from "../../protocol/health/healthCause.js";
import { healthStates } from "../../protocol/health/healthState.js";
import { gpuModels } from "../../protocol/plausibility/gpuModels.js";
import { plausibilityCodes } from "../../protocol/plausibility/plausibilityCodes.js";
import { refusalCodes } from "../../protocol/refusal.js";
import { conditions } from "../../registry/health/conditions.js";
import { findingCodes } from "../../registry/health/findingCodes.js";
import { type HealthPolicy, healthPolicies } from "../../registry/health/policy.js";

const page = readFileSync(new URL("../../docs/health.md", import.meta.url), "utf8");
const evidencePage = readFileSync(new URL("../../docs/evidence.md", import.meta.url), "utf8");
const rowsOf = (title: string): string[][] => {
  const section = page.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? "";
  return [...section.matchAll(/^\| `[a-z_]+` \|.*\|$/gm)].map(([line]) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim().replaceAll("`", "")),
  );
};

/** A policy number as the page writes it. */
function told(name: string, value: number): string {
  if (!/_(ms|permille)$/.test(name)) return String(value);
  if (name.endsWith("_permille")) return `${value} ‰`;
  if (value >= 3_600_000 && value % 3_600_000 === 0) return `${value / 3_600_000} h`;
  if (value >= 60_000 && value % 60_000 === 0) return `${value / 60_000} min`;
  return `${value / 1000} s`;
}

/** The code's own text of a rule's time: the policy member that it reads. */
function memberBehind(time_ms: (policy: HealthPolicy) => number): string {
  let read = "at once";
  time_ms(
    new Proxy({} as HealthPolicy, {
      get(_target, name) {
        read = String(name);
        return 0;
      },
    }),
  );
  return read;
}

describe("docs/health.md", () => {
  it("has each state and cause with its number, and no other", () => {
    const numbers = (rows: string[][]) => Object.fromEntries(rows.map(([name, n]) => [name, Number(n)]));
    expect(numbers(rowsOf("States"))).toEqual(healthStates);
    expect(numbers(rowsOf("Causes"))).toEqual(healthCauses);
  });

  it("has each policy's numbers", () => {
    const names = Object.keys(healthPolicies.standard) as (keyof HealthPolicy)[];
    expect(rowsOf("Policies").map(([name, standard, demo]) => [name, standard, demo])).toEqual(
      names.map((name) => [
        name,
        told(name, healthPolicies.standard[name]),
        told(name, healthPolicies.demo[name]),
      ]),
    );
  });

  it("has each way to be implausible, in the code's order", () => {
    const section = page.split(/^## /m).find((part) => part.startsWith("Implausible readings\n")) ?? "";
    const codes = [...section.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
    expect(codes).toEqual([...plausibilityCodes]);
    for (const { name } of gpuModels) expect(section).toContain(name.split(/[- ]/)[0]);
  });

  it("has each finding, in the code's order, and the fold makes no other", () => {
    const section = page.split(/^## /m).find((part) => part.startsWith("Findings\n")) ?? "";
    expect([...section.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code)).toEqual([...findingCodes]);
    const told = new Set<string>([
      ...findingCodes,
      ...refusalCodes,
      ...plausibilityCodes,
      "IMPLAUSIBLE_TOLD",
      // Why a GPU's evidence does not count: part of a finding's text, told on its own page.
      ...[...evidencePage.matchAll(/`([A-Z]+_[A-Z_]+)`/g)].map(([, code]) => code!),
    ]);
    const folder = new URL("../../registry/health/", import.meta.url);
    const sources = readdirSync(folder).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
    const used = sources.flatMap((name) =>
      [...readFileSync(new URL(name, folder), "utf8").matchAll(/"([A-Z][A-Z]*_[A-Z_]+|EQUIVOCATION)"/g)].map(
        ([, code]) => code!,
      ),
    );
    for (const code of findingCodes) expect(used, code).toContain(code);
    expect(used.filter((code) => !told.has(code))).toEqual([]);
  });

  it("has the rules in the order in which they decide, with their states and times", () => {
    expect(rowsOf("Rules").map(([cause, , , raise, cure]) => [cause, raise, cure])).toEqual(
      conditions.map(({ cause, raise_ms, cure_ms }) => [
        cause,
        memberBehind(raise_ms),
        memberBehind(cure_ms),
      ]),
    );
    const stateOf = new Map(rowsOf("Causes").map(([cause, , state]) => [cause, state]));
    for (const { cause, state } of conditions) expect(stateOf.get(cause), cause).toBe(state);
  });
});
