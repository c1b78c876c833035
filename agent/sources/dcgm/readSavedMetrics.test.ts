import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dcgmFields } from "./dcgmFields.js";
import { readSavedMetrics } from "./readSavedMetrics.js";

const shared = process.env.CALIBER_SAMPLES ?? "../shared/samples";
// Where CI runs, absent samples are a failure, not a reason to skip.
const skip = !existsSync(shared) && process.env.CI !== "true";
const saved = (name: string) => readSavedMetrics(readFileSync(`${shared}/dcgm-exporter/${name}`, "utf8"));
const fieldTable = `${process.env.CALIBER_FACTS ?? "../shared/facts"}/tables/dcgm_4.6_fields.csv`;

const uuid = "GPU-c4529c8d-69c4-b61d-e0bc-7b2460096005";
const labels = `gpu="0",UUID="${uuid}",pci_bus_id="00000000:53:00.0",device="nvidia0",modelName="NVIDIA H100 80GB HBM3"`;
const readOne = (lines: readonly string[]) => readSavedMetrics(lines.join("\n"));

describe("readSavedMetrics", () => {
  /** The two sets of names for one GPU. */
  const old = {
    DEV_GPU_UTIL: "91",
    PROF_SM_ACTIVE: "0.813000",
    DEV_MEM_COPY_UTIL: "73",
    DEV_FB_USED: "5120",
    DEV_POWER_USAGE: "698.244000",
    DEV_GPU_TEMP: "74",
    DEV_SM_CLOCK: "1980",
    DEV_PCIE_LINK_GEN: "5",
    DEV_PCIE_LINK_WIDTH: "16",
    DEV_TOTAL_ENERGY_CONSUMPTION: "9007199254740993",
    DEV_CLOCK_THROTTLE_REASONS: "68",
    DEV_PCIE_REPLAY_COUNTER: "106",
    DEV_ECC_SBE_VOL_SRM: "1",
    DEV_ECC_DBE_VOL_DEV: "2",
    DEV_THRESHOLD_SRM: "0",
    DEV_CORRECTABLE_REMAPPED_ROWS: "3",
    DEV_UNCORRECTABLE_REMAPPED_ROWS: "4",
    DEV_ROW_REMAP_PENDING: "1",
    DEV_ROW_REMAP_FAILURE: "0",
    DEV_GET_GPU_RECOVERY_ACTION: "1",
    DEV_XID_ERRORS: "63",
  };
  const renamed: Record<string, string> = {
    DEV_GPU_UTIL: "DEV_GPU_UTIL_RATIO",
    PROF_SM_ACTIVE: "PROF_SM_UTIL_RATIO",
    DEV_POWER_USAGE: "DEV_BOARD_POWER_WATTS",
    DEV_GPU_TEMP: "DEV_GPU_TEMP_CELSIUS",
    DEV_CLOCK_THROTTLE_REASONS: "DEV_CLOCKS_EVENT_REASONS",
    DEV_PCIE_REPLAY_COUNTER: "DEV_PCIE_REPLAY_TOTAL",
    DEV_THRESHOLD_SRM: "DEV_SRAM_EXCEEDED",
    DEV_CORRECTABLE_REMAPPED_ROWS: "DEV_ROW_REMAP_CORRECTABLE_TOTAL",
    DEV_UNCORRECTABLE_REMAPPED_ROWS: "DEV_ROW_REMAP_UNCORRECTABLE_TOTAL",
    DEV_ROW_REMAP_FAILURE: "DEV_ROW_REMAP_FAILED",
    DEV_GET_GPU_RECOVERY_ACTION: "DEV_GPU_RECOVERY_ACTION",
    DEV_XID_ERRORS: "DEV_XID_ERROR",
  };
  it.each([
    ["old names and Hostname", (name: string) => name, "Hostname"],
    ["4.6 names and hostname", (name: string) => renamed[name] ?? name, "hostname"],
  ])("reads every field by %s", (_, nameOf, host) => {
    const lines = Object.entries(old).map(
      ([name, value]) => `DCGM_FI_${nameOf(name)}{${labels},${host}="node-1"} ${value}`,
    );
    expect(readOne(lines)).toEqual({
      problems: [],
      gpus: [
        {
          gpu: { uuid, bus_id: "00000000:53:00.0" },
          hostname: "node-1",
          model: "NVIDIA H100 80GB HBM3",
          last_xids: [63],
          values: {
            util_permille: 910,
            sm_activity_permille: 813,
            mem_util_permille: 730,
            fb_used_mib: 5120,
            power_mw: 698_244,
            temp_mc: 74_000,
            sm_clock_mhz: 1980,
            pcie_gen: 5,
            pcie_width: 16,
            energy_mj: "9007199254740993",
            throttle: ["hw_thermal_slowdown", "sw_power_cap"],
            pcie_replays: 106,
            ecc_volatile: {
              sram_correctable: 1,
              sram_uncorrectable: null,
              dram_correctable: null,
              dram_uncorrectable: 2,
            },
            sram_threshold_exceeded: false,
            remapped_rows: { correctable: 3, uncorrectable: 4, pending: true, failure: false },
            recovery_action: "reset",
          },
        },
      ],
    });
  });

  it("takes no blank, nothing out of range and nothing of a switch for a value", () => {
    const { gpus } = readOne([
      `DCGM_FI_DEV_GPU_UTIL{${labels}} 9223372036854775794`,
      `DCGM_FI_DEV_POWER_USAGE{${labels}} 140737488355328.000000`,
      `DCGM_FI_DEV_GPU_TEMP{${labels}} 2147483632`,
      `DCGM_FI_DEV_MEM_COPY_UTIL{${labels}} 101`,
      `DCGM_FI_DEV_FB_USED{${labels}} -1`,
      `DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{${labels}} NaN`,
      `DCGM_FI_DEV_ROW_REMAP_FAILURE{${labels}} 1`,
      `DCGM_FI_DEV_GPU_TEMP{nvswitch="0"} 50`,
      `DCGM_FI_DEV_GPU_TEMP{UUID="../../etc/passwd"} 50`,
    ]);
    expect(gpus).toHaveLength(1);
    expect(gpus[0]!.values).toEqual({});
    expect(gpus[0]!.last_xids).toEqual([]);
  });

  it("names a recovery action that it does not know, and none that is none", () => {
    const action = (value: string) =>
      readOne([`DCGM_FI_DEV_GPU_RECOVERY_ACTION{${labels}} ${value}`]).gpus[0]!.values.recovery_action;
    expect(["0", "3", "4", "5", "9"].map(action)).toEqual([
      "none",
      "drain_p2p",
      "drain_and_reset",
      "recover_imex_domain",
      "action_9",
    ]);
  });

  it("in MIG mode: instances by their slices, the GPU's own readings once, and no instance's memory for the GPU's", () => {
    const mig = (id: number, profile: string) => `${labels},GPU_I_PROFILE="${profile}",GPU_I_ID="${id}"`;
    const { gpus, problems } = readOne([
      `DCGM_FI_PROF_SM_ACTIVE{${mig(1, "3g.40gb")},pod="a"} 1.200000`,
      `DCGM_FI_PROF_SM_ACTIVE{${mig(1, "3g.40gb")},pod="b"} 0.100000`,
      `DCGM_FI_PROF_SM_ACTIVE{${mig(2, "2g.20gb")}} 0.500000`,
      `DCGM_FI_DEV_FB_USED{${mig(1, "3g.40gb")}} 1000`,
      `DCGM_FI_DEV_POWER_USAGE{${mig(1, "3g.40gb")}} 300.5`,
      `DCGM_FI_DEV_POWER_USAGE{${mig(2, "2g.20gb")}} 300.5`,
    ]);
    expect(gpus[0]!.values).toEqual({ sm_activity_permille: 571, power_mw: 300_500 });
    expect(problems.map(({ code }) => code)).toEqual(["DCGM_SM_ACTIVE_ABOVE_ONE"]);
    const unknown = readOne([
      `DCGM_FI_PROF_SM_ACTIVE{${mig(1, "3g.40gb")}} 1`,
      `DCGM_FI_PROF_SM_ACTIVE{${mig(2, "MIG")}} 1`,
    ]);
    expect(unknown.gpus[0]!.values).toEqual({});
    expect(unknown.problems.map(({ code }) => code)).toEqual(["DCGM_MIG_PROFILE_UNKNOWN"]);
    const silent = readOne([
      `DCGM_FI_PROF_SM_ACTIVE{${mig(1, "3g.40gb")}} 1`,
      `DCGM_FI_DEV_FB_USED{${mig(2, "4g.40gb")}} 7`,
    ]);
    expect(silent.gpus[0]!.values).toEqual({});
  });

  it("says so when the text names no GPU or is none", () => {
    expect(readSavedMetrics("").problems.map(({ code }) => code)).toEqual(["DCGM_NO_GPUS"]);
    expect(readSavedMetrics("<html>\n<p>").problems.map(({ code }) => code)).toEqual([
      "DCGM_TEXT_MALFORMED",
      "DCGM_NO_GPUS",
    ]);
  });

  it.skipIf(!existsSync(fieldTable) && process.env.CI !== "true")(
    "knows no name that DCGM 4.6 does not",
    () => {
      const table = readFileSync(fieldTable, "utf8");
      for (const name of dcgmFields.keys()) expect(table, name).toMatch(new RegExp(`\\b${name}\\b`));
    },
  );

  describe.skipIf(skip)("recorded answers", () => {
    it("eight H100", () => {
      const { gpus, problems } = saved("nvidia-aicr-h100.prom");
      expect(problems).toEqual([]);
      expect(gpus).toHaveLength(8);
      expect(gpus[0]).toEqual({
        gpu: { uuid, bus_id: "00000000:53:00.0" },
        hostname: "gpu-node-1",
        model: "NVIDIA H100 80GB HBM3",
        last_xids: [],
        values: { util_permille: 0, mem_util_permille: 0, power_mw: 113_611, temp_mc: 30_000 },
      });
      expect(gpus[7]).toMatchObject({
        gpu: { bus_id: "00000000:ca:00.0" },
        values: { power_mw: 66_997, temp_mc: 26_000 },
      });
      expect(gpus[7]!.values).not.toHaveProperty("mem_util_permille");
    });
    it("an L40S and a T4", () => {
      const { gpus, problems } = saved("cncf-upcloud-l40s.prom");
      expect(problems).toEqual([]);
      expect(gpus[0]).toMatchObject({
        gpu: { uuid: "GPU-5b4e07f6-3a86-4340-039d-25f2a83cdc43", bus_id: "00000000:00:07.0" },
        values: {
          util_permille: 0,
          power_mw: 35_686,
          temp_mc: 32_000,
          sm_clock_mhz: 210,
          fb_used_mib: 0,
          energy_mj: "5551899580",
          pcie_replays: 0,
          remapped_rows: { correctable: 0, uncorrectable: 0, pending: null, failure: false },
        },
      });
      expect(gpus[0]!.values).not.toHaveProperty("sm_activity_permille");
      expect(saved("cncf-ericsson-t4.prom").gpus[0]).toMatchObject({
        hostname: "cp-bm14r7",
        values: {
          util_permille: 910,
          mem_util_permille: 730,
          power_mw: 68_244,
          temp_mc: 74_000,
          sm_clock_mhz: 660,
          fb_used_mib: 5120,
          energy_mj: "15152422938",
        },
      });
    });
    it("damaged, they give no value that they did not hold", () => {
      const text = readFileSync(`${shared}/dcgm-exporter/cncf-upcloud-l40s.prom`, "utf8");
      const whole = saved("cncf-upcloud-l40s.prom").gpus[0]!;
      fc.assert(
        fc.property(fc.nat(text.length), fc.nat(2000), (at, cut) => {
          const { gpus } = readSavedMetrics(text.slice(0, at) + text.slice(at + cut));
          for (const { gpu, values } of gpus) {
            if (gpu.uuid !== whole.gpu.uuid) continue;
            for (const [field, value] of Object.entries(values)) {
              if (field === "remapped_rows") continue;
              // A cut can run two numbers or names into one; it never makes a value of nothing.
              expect(value, field).not.toBeNull();
            }
            if (!text.slice(0, at).includes("_ENERGY_") && !text.slice(at + cut).includes("_ENERGY_")) {
              expect(values).not.toHaveProperty("energy_mj");
            }
          }
        }),
        { numRuns: 300 },
      );
    });
  });
});
