import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { dcgmFields } from "./dcgmFields.js";

const shipped = readFileSync(
  new URL("../../../packaging/dcgm/caliber-counters.csv", import.meta.url),
  "utf8",
);
const rowsOf = (text: string) =>
  text
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"))
    .map((line) => line.split(",").map((field) => field.trim()));
const defaults = `${process.env.CALIBER_SAMPLES ?? "../shared/samples"}/dcgm-exporter/default-counters.csv`;
const table = `${process.env.CALIBER_FACTS ?? "../shared/facts"}/tables/dcgm_4.6_fields.csv`;

describe("the counters file that is shipped", () => {
  const rows = rowsOf(shipped);
  it("has three fields a row, as the exporter wants it, and no counter twice", () => {
    for (const row of rows) {
      expect(row, row.join()).toHaveLength(3);
      expect(["gauge", "counter"]).toContain(row[1]);
    }
    expect(new Set(rows.map(([name]) => name)).size).toBe(rows.length);
  });
  it("asks for what the agent reads, and for one thing that it does not", () => {
    const unread = rows.map(([name]) => name!).filter((name) => !dcgmFields.has(name));
    expect(unread).toEqual(["DCGM_FI_PROF_GR_ENGINE_ACTIVE"]);
    const named = shipped.match(/DCGM_FI_\w+/g)!.map((name) => dcgmFields.get(name));
    for (const field of dcgmFields.values()) expect(named, field).toContain(field);
  });
  it.skipIf(!existsSync(table) && process.env.CI !== "true")("names only fields that DCGM has", () => {
    const known = readFileSync(table, "utf8");
    for (const name of shipped.match(/DCGM_FI_\w+/g)!) expect(known).toMatch(new RegExp(`\\b${name}\\b`));
  });
  it.skipIf(!existsSync(defaults) && process.env.CI !== "true")(
    "writes the names that the exporter's own file has",
    () => {
      const own = new Set(readFileSync(defaults, "utf8").match(/DCGM_FI_\w+/g));
      for (const name of ["DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_PROF_SM_ACTIVE", "DCGM_FI_DEV_XID_ERRORS"]) {
        expect(own.has(name) && shipped.includes(name)).toBe(true);
      }
    },
  );
});
