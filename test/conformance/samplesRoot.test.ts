import { describe, expect, it } from "vitest";
import { encodeSample } from "../../agent/window/encodeSample.js";
import vector from "../../fixtures/vectors/samples-root.json" with { type: "json" };
import { leafHash } from "../../protocol/merkle/leafHash.js";
import { rootOf } from "../../protocol/merkle/rootOf.js";
import { verifyInclusion } from "../../protocol/merkle/verifyInclusion.js";

const leaves = vector.samples.map((sample) => leafHash(Buffer.from(sample)));
const anXid = {
  first_ms: 0,
  last_ms: 0,
  count: 1,
  source: "kernel-log",
  detail: null,
  resolution: null,
  severity: "info",
  rules: 1,
} as const;
const counters = { sram_correctable: null, dram_correctable: null };

describe("samples_root", () => {
  it("is the root over the samples as they stand", () => {
    expect(leaves.map((leaf) => leaf.toString("hex"))).toEqual(vector.leaf_hashes);
    expect(rootOf(leaves).toString("hex")).toBe(vector.samples_root);
    expect(rootOf([]).toString("hex")).toBe(vector.empty_samples_root);
  });

  it("opens at one sample", () => {
    const { index, size, proof } = vector.opened;
    const root = Buffer.from(vector.samples_root, "hex");
    const parts = proof.map((part) => Buffer.from(part, "hex"));
    expect(() => verifyInclusion(leaves[index]!, index, size, parts, root)).not.toThrow();
    expect(() => verifyInclusion(leaves[index + 1]!, index, size, parts, root)).toThrow(/inclusion/);
  });

  it.each(vector.samples)("the agent writes the same bytes: %s", (text) => {
    const sample = JSON.parse(text);
    const { sram_uncorrectable, dram_uncorrectable, remap_pending, remap_failure, recovery_action, ...fast } =
      sample;
    const answered = sample.presence === "present";
    const encoded = encodeSample({
      uuid: sample.uuid,
      source: sample.source,
      supplied: [],
      xids: sample.xids.map((xid: number | null) => ({ ...anXid, xid })),
      presence: sample.presence,
      at_ms: sample.at_ms,
      at_mono_ms: sample.at_mono_ms,
      fast,
      health: {
        ecc_volatile: answered ? { ...counters, sram_uncorrectable, dram_uncorrectable } : null,
        ecc_aggregate: null,
        remapped_rows: answered
          ? { correctable: 0, uncorrectable: 0, pending: remap_pending, failure: remap_failure }
          : null,
        recovery_action,
        pcie_replays: null,
        processes: null,
        sram_threshold_exceeded: null,
        fabric: null,
      },
    });
    expect(encoded.toString()).toBe(text);
  });
});
