import type { HealthReading } from "../telemetrySource.js";
import type { Cells } from "./csvCells.js";
import { countOf, flagOf } from "./values.js";

/** With MIG on, NVML cannot ask for remapped rows and some drivers print zeros instead of saying so. */
export function csvRemappedRows(at: Cells): HealthReading["remapped_rows"] {
  const correctable = countOf(at("remapped_rows.correctable"));
  const uncorrectable = countOf(at("remapped_rows.uncorrectable"));
  if (flagOf(at("mig.mode.current")) === true || correctable === null || uncorrectable === null) return null;
  return {
    correctable,
    uncorrectable,
    pending: flagOf(at("remapped_rows.pending")),
    failure: flagOf(at("remapped_rows.failure")),
  };
}
