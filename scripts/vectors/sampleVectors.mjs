// samples-root.json: the raw samples of one window, and the root that its report commits to.
import { t0, uuid } from "./sampleReports.mjs";
import { leaf, path, root } from "./wire.mjs";

const hex = (bytes) => Buffer.from(bytes).toString("hex");

/** The members of a sample in their order; the bytes are JSON without white space. */
const present = (second) => ({
  v: 1,
  uuid,
  source: "nvidia-smi",
  presence: "present",
  at_ms: t0 + 1000 * second,
  at_mono_ms: 1000 + 1000 * second,
  util_permille: 700 + second,
  sm_activity_permille: 655,
  mem_util_permille: 310,
  fb_used_mib: 70123,
  power_mw: 512345,
  temp_mc: 54000,
  sm_clock_mhz: 1755,
  pcie_gen: 5,
  pcie_width: 16,
  energy_mj: "18446744073709551615",
  throttle: ["sw_power_cap"],
  sram_uncorrectable: 0,
  dram_uncorrectable: 0,
  remap_pending: false,
  remap_failure: false,
  recovery_action: "none",
  xids: [],
});
const readings = Object.keys(present(0)).slice(6, -1);
const silent = (second, presence) => ({
  ...present(second),
  presence,
  ...Object.fromEntries(readings.map((name) => [name, null])),
});

export function sampleVectors() {
  const samples = [
    present(0),
    present(1),
    { ...present(2), throttle: [] },
    silent(3, "probe_timeout"),
    { ...silent(4, "lost"), xids: [79, null] },
  ];
  const lines = samples.map((sample) => JSON.stringify(sample));
  const leaves = lines.map((line) => leaf(Buffer.from(line)));
  return {
    description:
      "samples_root: RFC 6962 root over the raw samples of a window in order of time. A leaf is SHA-256(0x00 ‖ sample), a sample UTF-8 JSON without white space with exactly these members in this order. `opened` proves one of them against the root.",
    source: "scripts/vectors/generate.mjs",
    samples: lines,
    leaf_hashes: leaves.map(hex),
    samples_root: hex(root(leaves)),
    opened: { index: 2, size: leaves.length, proof: path(2, leaves).map(hex) },
    empty_samples_root: hex(root([])),
  };
}
