import { describe, expect, it } from "vitest";
import { joinWithInventory } from "./joinWithInventory.js";
import { syntheticDevice, syntheticNow_ms } from "./testing/syntheticDevice.js";
import { verifyEvidence } from "./verifyEvidence.js";

const device = syntheticDevice();
const evidence = verifyEvidence(
  { report: device.report(), chain: device.chain },
  { nonce: null, kind: "gpu", now_ms: syntheticNow_ms, root_sha256: device.root_sha256 },
);
/** As nvidia-smi says it of an H100 of this kind. */
const inventory = {
  architecture: "Hopper",
  driver_version: "590.12",
  vbios_version: "96.00.A5.00.01",
  board_part_number: "692-2G520-0200-000",
  gpu_part_number: "2330-885-A1",
  inforom_image_version: "G520.0200.00.05",
  pdi: "0x2921ce551e4eeda3",
};
type Change = Partial<{ [K in keyof typeof inventory]: string | null }>;
const outcomes = (change: Change) =>
  Object.fromEntries(
    joinWithInventory(evidence, { ...inventory, ...change }).map(({ field, outcome }) => [field, outcome]),
  );
const all = {
  architecture: "match",
  driver_version: "match",
  vbios_version: "match",
  project: "match",
  project_sku: "match",
  chip_sku: "match",
  pdi: "match",
};

describe("joinWithInventory", () => {
  it("finds what a true inventory says in the evidence", () => {
    expect(outcomes({})).toEqual(all);
    expect(joinWithInventory(evidence, inventory)).toContainEqual({
      field: "chip_sku",
      signed: "885",
      declared: "885",
      outcome: "match",
    });
  });

  it.each([
    ["architecture", { architecture: "Ampere" }],
    ["driver_version", { driver_version: "591.86" }],
    ["vbios_version", { vbios_version: "96.00.A5.00.02" }],
    ["project", { inforom_image_version: "G525.0200.00.05" }],
    ["project_sku", { inforom_image_version: "G520.0220.00.05" }],
    ["chip_sku", { gpu_part_number: "2335-895-A1" }],
    ["pdi", { pdi: "0x2921ce551e4eeda4" }],
  ] as [string, Change][])("finds a false %s, and no other", (field, change) => {
    expect(outcomes(change)).toEqual({ ...all, [field]: "mismatch" });
  });

  it("reads project and SKU from the board's part number where there is no infoROM", () => {
    expect(outcomes({ inforom_image_version: null })).toEqual(all);
    const other = { inforom_image_version: null, board_part_number: "692-2G525-0220-500" };
    expect(outcomes(other)).toEqual({ ...all, project: "mismatch", project_sku: "mismatch" });
  });

  it("takes no assembly number for a project SKU", () => {
    expect(outcomes({ board_part_number: "965-2G520-A800-000" })).toEqual(all);
    const bare = { inforom_image_version: null, board_part_number: "965-2G520-A800-000" };
    expect(outcomes(bare)).toEqual({ ...all, project: "not_comparable", project_sku: "not_comparable" });
  });

  it("takes a PDI either way round", () => {
    expect(outcomes({ pdi: "0xa3ed4e1e55ce2129" })).toEqual(all);
  });

  it("calls nothing a match that one side does not say", () => {
    const silent = Object.fromEntries(Object.keys(inventory).map((key) => [key, null]));
    expect(new Set(Object.values(outcomes(silent)))).toEqual(new Set(["not_comparable"]));
    expect(outcomes({ gpu_part_number: "N/A" })).toEqual({ ...all, chip_sku: "not_comparable" });
    const unsigned = { ...evidence, claims: { ...evidence.claims, driver_version: null } };
    expect(joinWithInventory(unsigned, inventory)[1]).toEqual({
      field: "driver_version",
      signed: null,
      declared: "590.12",
      outcome: "not_comparable",
    });
  });
});
