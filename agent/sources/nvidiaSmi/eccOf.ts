import type { HealthReading } from "../telemetrySource.js";
import { countOf } from "./values.js";
import { eccOldSramUnits } from "./xmlPaths.js";

/** Sum over those units that a GPU has and counts; null when it counts none. */
function sumOf(counts: readonly (number | null)[]): number | null {
  const known = counts.filter((count) => count !== null);
  if (known.length === 0) return null;
  const sum = known.reduce((total, count) => total + count, 0);
  return Number.isSafeInteger(sum) ? sum : null;
}

/** Two halves of one count: one alone would pass for the whole. */
const bothOf = (a: number | null, b: number | null) => (a === null || b === null ? null : sumOf([a, b]));

/**
 * ECC counters from either layout: SRAM/DRAM (Turing on; R545 splits uncorrectable SRAM errors into parity and
 * SEC-DED, which are added), or single/double bit by unit (Volta and before: device memory is the DRAM, all other
 * units SRAM). Retired pages are another mechanism and never counted here.
 */
export function eccOf(
  values: ReadonlyMap<string, string>,
  kind: "volatile" | "aggregate",
): HealthReading["ecc_volatile"] {
  const at = (leaf: string) => countOf(values.get(`ecc_errors/${kind}/${leaf}`));
  const oldSram = (bits: string) => sumOf(eccOldSramUnits.map((unit) => at(`${bits}/${unit}`)));
  const counters = {
    sram_correctable: at("sram_correctable") ?? oldSram("single_bit"),
    sram_uncorrectable:
      at("sram_uncorrectable") ??
      bothOf(at("sram_uncorrectable_parity"), at("sram_uncorrectable_secded")) ??
      oldSram("double_bit"),
    dram_correctable: at("dram_correctable") ?? at("single_bit/device_memory"),
    dram_uncorrectable: at("dram_uncorrectable") ?? at("double_bit/device_memory"),
  };
  return Object.values(counters).every((count) => count === null) ? null : counters;
}
