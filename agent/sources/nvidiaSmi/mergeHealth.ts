import type { HealthReading } from "../telemetrySource.js";
import type { FastHealth } from "./parseCsvRow.js";

/** The last full reading with what the stream knows better: every value that the stream gave is newer. */
export function mergeHealth(full: HealthReading, fast: FastHealth): HealthReading {
  const known = fast.dram_uncorrectable !== null || fast.sram_uncorrectable !== null;
  const before = full.ecc_volatile ?? {
    sram_correctable: null,
    sram_uncorrectable: null,
    dram_correctable: null,
    dram_uncorrectable: null,
  };
  return {
    ...full,
    ecc_volatile: known
      ? {
          ...before,
          sram_uncorrectable: fast.sram_uncorrectable ?? before.sram_uncorrectable,
          dram_uncorrectable: fast.dram_uncorrectable ?? before.dram_uncorrectable,
        }
      : full.ecc_volatile,
    remapped_rows: fast.remapped_rows ?? full.remapped_rows,
    recovery_action: fast.recovery_action ?? full.recovery_action,
  };
}
