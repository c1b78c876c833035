import { noReading } from "../noReading.js";
import type { FastReading, HealthReading } from "../telemetrySource.js";
import { answers } from "./answers.js";
import { throttleReasons } from "./throttleReasons.js";
import { busIdOf, countOf, flagOf, saysLost, scaledOf, uuidOf, wordsOf } from "./values.js";

/** What the stream can tell of a GPU's health; the full reading adds the rest. */
export type FastHealth = {
  dram_uncorrectable: number | null;
  sram_uncorrectable: number | null;
  remapped_rows: HealthReading["remapped_rows"];
  recovery_action: string | null;
};

/** One line of the 1 Hz stream. */
export type CsvRow = {
  uuid: string | null;
  bus_id: string | null;
  presence: "present" | "lost";
  fast: FastReading;
  health: FastHealth;
};

const noHealth: FastHealth = Object.freeze({
  dram_uncorrectable: null,
  sram_uncorrectable: null,
  remapped_rows: null,
  recovery_action: null,
});

/** No field of the stream holds a comma, so a line splits on them; longer lines are not ours. */
const maxLineChars = 4096;

/**
 * Reads one line of `--query-gpu=<fields> --format=csv,noheader,nounits`. Null when the line is not such a row at all
 * (a warning, garbage, a cut-off line). Never throws: the host's owner controls every character.
 */
export function parseCsvRow(line: string, fields: readonly string[]): CsvRow | null {
  if (line.length > maxLineChars) return null;
  const cells = line.split(",");
  if (cells.length !== fields.length) return null;
  const at = (field: string): string | undefined => {
    const index = fields.indexOf(field);
    return index < 0 ? undefined : cells[index];
  };
  const uuid = uuidOf(at("uuid"));
  const bus_id = busIdOf(at("pci.bus_id"));
  if (uuid === null && bus_id === null) return null;
  const mig = flagOf(at("mig.mode.current")) === true;
  const fast: FastReading = {
    util_permille: mig ? null : scaledOf(at("utilization.gpu"), 10, 0, 1000),
    // nvidia-smi knows neither SM activity nor the energy counter.
    sm_activity_permille: null,
    mem_util_permille: mig ? null : scaledOf(at("utilization.memory"), 10, 0, 1000),
    fb_used_mib: scaledOf(at("memory.used"), 1, 0, Number.MAX_SAFE_INTEGER),
    power_mw: scaledOf(at("power.draw"), 1000, 0, Number.MAX_SAFE_INTEGER),
    temp_mc: scaledOf(at("temperature.gpu"), 1000, -273_150, 1_000_000),
    sm_clock_mhz: scaledOf(at("clocks.current.sm"), 1, 0, Number.MAX_SAFE_INTEGER),
    pcie_gen: scaledOf(at("pcie.link.gen.current"), 1, 0, 16),
    pcie_width: scaledOf(at("pcie.link.width.current"), 1, 0, 64),
    energy_mj: null,
    throttle: throttleReasons(at("clocks_throttle_reasons.active") ?? at("clocks_event_reasons.active")),
  };
  if (cells.some(saysLost) || !answers(fast)) {
    return { uuid, bus_id, presence: "lost", fast: noReading.fast, health: noHealth };
  }
  const correctable = countOf(at("remapped_rows.correctable"));
  const uncorrectable = countOf(at("remapped_rows.uncorrectable"));
  return {
    uuid,
    bus_id,
    presence: "present",
    fast,
    health: {
      dram_uncorrectable: countOf(at("ecc.errors.uncorrected.volatile.dram")),
      sram_uncorrectable: countOf(at("ecc.errors.uncorrected.volatile.sram")),
      // With MIG on, NVML cannot ask for remapped rows and some drivers print zeros instead of saying so.
      remapped_rows:
        mig || correctable === null || uncorrectable === null
          ? null
          : {
              correctable,
              uncorrectable,
              pending: flagOf(at("remapped_rows.pending")),
              failure: flagOf(at("remapped_rows.failure")),
            },
      recovery_action: wordsOf(at("gpu_recovery_action"), 48),
    },
  };
}
