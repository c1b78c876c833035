import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { xidSeverities } from "../report/schema.js";
import { classifyXid } from "./classifyXid.js";
import { xidCatalogue, xidRules } from "./xidCatalogue.js";

const catalogueFile = `${process.env.CALIBER_FACTS ?? "../shared/facts"}/tables/nvidia_xid_catalog_Xids.csv`;

/** The columns of a CSV text with quoted fields (RFC 4180). */
function rowsOf(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    rows.at(-1)!.push((quoted?.replaceAll('""', '"') ?? plain ?? "").trim());
    if (end !== ",") rows.push([]);
  }
  return rows.filter((row) => row.length > 2);
}

describe("classifyXid", () => {
  it("has an entry for every Xid from 1 to 172", () => {
    expect([...xidCatalogue.keys()]).toEqual(Array.from({ length: 172 }, (_, index) => index + 1));
    for (const { mnemonic, resolution, severity } of xidCatalogue.values()) {
      expect(mnemonic).toMatch(/^[A-Z0-9_]+$/);
      if (resolution !== null) expect(resolution).toMatch(/^[A-Z0-9_]{1,48}$/);
      expect(xidSeverities).toContain(severity);
    }
  });

  it.skipIf(!existsSync(catalogueFile) && process.env.CI !== "true")("agrees with NVIDIA's catalogue", () => {
    const rows = rowsOf(readFileSync(catalogueFile, "utf8")).filter(([type]) => type === "XID");
    expect(rows).toHaveLength(172);
    for (const [, code, mnemonic, , , , , , immediate] of rows) {
      const entry = xidCatalogue.get(Number(code));
      expect(entry?.mnemonic, code).toBe(mnemonic!.split(" / ")[0]);
      expect(entry?.resolution, code).toBe(immediate === "" ? null : immediate);
    }
  });

  it.each([
    [13, "RESTART_APP", "info"],
    [31, "RESTART_APP", "info"],
    [43, "IGNORE", "info"],
    [45, "WORKFLOW_XID_45", "info"],
    [63, "IGNORE", "info"],
    [92, "IGNORE", "watch"],
    [94, "RESTART_APP", "watch"],
    [48, "WORKFLOW_XID_48", "impaired"],
    [62, "RESET_GPU", "impaired"],
    [64, "RESET_GPU", "impaired"],
    [74, "WORKFLOW_NVLINK_ERR", "impaired"],
    [95, "RESET_GPU", "impaired"],
    [119, "RESET_GPU", "impaired"],
    [120, "RESET_GPU", "impaired"],
    [140, "RESET_GPU", "impaired"],
    [167, null, "impaired"],
    [79, "RESTART_BM", "lost"],
    [999, null, "watch"],
    [0, null, "watch"],
  ])("Xid %i: %s, %s", (xid, resolution, severity) =>
    expect(classifyXid(xid)).toEqual({ resolution, severity, rules: xidRules }),
  );

  it("what NVIDIA resets is never less than impaired, and what it ignores never more than watch", () => {
    for (const [xid, { resolution }] of xidCatalogue) {
      const { severity } = classifyXid(xid);
      if (resolution === "RESET_GPU" && xid !== 155) expect(severity, `${xid}`).toBe("impaired");
      if (resolution === "IGNORE") expect(["info", "watch"], `${xid}`).toContain(severity);
    }
  });

  it.each([
    ["GPU recovery action changed from 0x0 (None) to 0x4 (Drain and Reset)", "impaired"],
    ["GPU recovery action changed from 0x4 (Drain and Reset) to 0x1 (GPU Reset Required)", "impaired"],
    ["GPU recovery action changed from 0x0 (None) to 0x2 (Node Reboot Required)", "impaired"],
    ["GPU recovery action changed from 0x0 (None) to 0x3 (Drain P2P)", "watch"],
    ["GPU recovery action changed from 0x1 (GPU Reset Required) to 0x0 (None)", "info"],
    ["(", "watch"],
    [null, "watch"],
  ])("154 follows its text: %s is %s", (detail, severity) => {
    expect(classifyXid(154, detail)).toEqual({ resolution: "XID_154", severity, rules: xidRules });
  });

  it.each([
    [145, "RLW_REMAP Fatal XC1 i0 Link 10 (0x00000082 0x00000040)", "impaired"],
    [149, "NETIR_LINK_EVT  Fatal   XC0 i0 Link 09 (0x025525c6 0x00000000)", "impaired"],
    [145, "RLW_REMAP Nonfatal XC1 i0 Link 10", "watch"],
    [149, null, "watch"],
  ])("NVLink 5's %i by its word: %s is %s", (xid, detail, severity) => {
    expect(classifyXid(xid, detail)).toMatchObject({ resolution: "WORKFLOW_NVLINK5_ERR", severity });
  });

  it("a GPU that fell off the bus is lost, whatever Xid tells it, and without one", () => {
    expect(classifyXid(null)).toEqual({ resolution: null, severity: "lost", rules: xidRules });
    expect(classifyXid(31, "GPU has fallen off the bus").severity).toBe("lost");
  });

  it("never throws, whatever is told", () => {
    fc.assert(
      fc.property(fc.option(fc.integer()), fc.option(fc.string()), (xid, detail) => {
        expect(xidSeverities).toContain(classifyXid(xid, detail).severity);
      }),
    );
  });
});
