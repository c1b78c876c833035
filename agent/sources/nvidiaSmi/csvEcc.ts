import type { HealthReading } from "../telemetrySource.js";
import type { Cells } from "./csvCells.js";
import { eccOf } from "./eccOf.js";
import { eccOldSramUnits } from "./xmlPaths.js";

/** ECC counters of one row, by the same rules as in the XML: only the fields' names differ. */
export function csvEcc(at: Cells, kind: "volatile" | "aggregate"): HealthReading["ecc_volatile"] {
  const values = new Map<string, string>();
  const take = (leaf: string, field: string) => {
    const text = at(`ecc.errors.${field}`);
    if (text !== undefined) values.set(`ecc_errors/${kind}/${leaf}`, text);
  };
  for (const [word, short, bits] of [
    ["corrected", "correctable", "single_bit"],
    ["uncorrected", "uncorrectable", "double_bit"],
  ] as const) {
    take(`sram_${short}`, `${word}.${kind}.sram`);
    take(`dram_${short}`, `${word}.${kind}.dram`);
    for (const unit of ["device_memory", ...eccOldSramUnits]) {
      take(`${bits}/${unit}`, `${word}.${kind}.${unit}`);
    }
  }
  take("sram_uncorrectable_parity", `uncorrected.${kind}.sram.parity`);
  take("sram_uncorrectable_secded", `uncorrected.${kind}.sram.secded`);
  return eccOf(values, kind);
}
