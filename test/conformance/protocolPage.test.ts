import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { healthCauses } from "../../protocol/health/healthCause.js";
import { healthStates } from "../../protocol/health/healthState.js";
import { entryKinds } from "../../protocol/log/entry.js";
import { refusalCodes } from "../../protocol/refusal.js";
import { gapReasons, presences, reportSchemas } from "../../protocol/report/schema.js";
import { maxEnvelopeBytes } from "../../registry/ingest/ingest.js";

const root = new URL("../../", import.meta.url);
const page = readFileSync(new URL("docs/protocol.md", root), "utf8");
const section = (title: string): string => page.split(/^## /m).find((part) => part.startsWith(title)) ?? "";

describe("docs/protocol.md", () => {
  it("has one row for each refusal code and none for others", () => {
    const rows = [...section("Refusals").matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
    expect([...rows].sort()).toEqual([...refusalCodes].sort());
  });

  it("names every kind, presence, reason and member of a report", () => {
    const words = new Set<string>([...Object.keys(reportSchemas), ...presences, ...gapReasons]);
    for (const { properties } of Object.values(reportSchemas)) {
      for (const name of Object.keys(properties)) words.add(name);
      for (const name of Object.keys(properties.body.properties)) words.add(name);
    }
    const code = [...page.matchAll(/`([^`\n]+)`|^ {4}(.+)$/gm)].map(([whole]) => whole).join("\n");
    const missing = [...words].filter((word) => !new RegExp(`\\b${word}\\b`).test(code));
    expect(missing).toEqual([]);
  });

  it("has the payload types, entry kinds, states and causes", () => {
    const suffixes = Object.values(payloadTypes).map((type) => type.replace("application/vnd.caliber.", ""));
    for (const suffix of suffixes) expect(page).toContain(suffix);
    for (const [kind, byte] of Object.entries(entryKinds)) expect(page).toContain(`| ${byte} ${kind} |`);
    for (const [word, number] of Object.entries({ ...healthStates, ...healthCauses })) {
      expect(page).toContain(`\`${word}\` ${number}`);
    }
  });

  it("has the size limit that is in force", () => {
    expect(maxEnvelopeBytes).toBe(24 * 1024);
    expect(page).toContain("24 KiB");
  });

  it("names every file of vectors", () => {
    for (const name of readdirSync(new URL("fixtures/vectors/", root)))
      expect(page, name).toContain(`\`${name}\``);
  });
});
