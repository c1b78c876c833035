import { noReading } from "../noReading.js";
import type { FastReading, HealthReading } from "../telemetrySource.js";
import { answers } from "./answers.js";
import { csvCells } from "./csvCells.js";
import { csvFast } from "./csvFast.js";
import { csvRemappedRows } from "./csvRemappedRows.js";
import { busIdOf, countOf, saysLost, uuidOf, wordsOf } from "./values.js";

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
  const at = csvCells(fields, cells);
  const uuid = uuidOf(at("uuid"));
  const bus_id = busIdOf(at("pci.bus_id"));
  if (uuid === null && bus_id === null) return null;
  const fast = csvFast(at);
  if (cells.some(saysLost) || !answers(fast)) {
    return { uuid, bus_id, presence: "lost", fast: noReading.fast, health: noHealth };
  }
  return {
    uuid,
    bus_id,
    presence: "present",
    fast,
    health: {
      dram_uncorrectable: countOf(at("ecc.errors.uncorrected.volatile.dram")),
      sram_uncorrectable: countOf(at("ecc.errors.uncorrected.volatile.sram")),
      remapped_rows: csvRemappedRows(at),
      recovery_action: wordsOf(at("gpu_recovery_action"), 48),
    },
  };
}
