import { CaliberError } from "../../../protocol/errors.js";
import { csvCells, fieldOf } from "./csvCells.js";
import { csvGpuReading } from "./csvGpuReading.js";
import type { GpuReading } from "./gpuReading.js";
import type { SmiErrorCode } from "./smiErrors.js";
import { busIdOf, uuidOf } from "./values.js";

const maxChars = 16 * 1024 * 1024;
/** An hour of sixteen GPUs at 1 Hz is 57,600. */
const maxLines = 100_000;
/** R590 knows 212 fields. */
const maxColumns = 512;
const maxGpus = 256;

const malformed = (message: string) =>
  new CaliberError<SmiErrorCode>("NVIDIA_SMI_CSV_MALFORMED", message, { disposition: "retryable" });

/**
 * Reads `nvidia-smi --query-gpu=… --format=csv` with its header, with units or without, in the order printed. Of a GPU
 * that was printed again and again (`-l`) the last row counts. Warnings before and after are skipped. The host's owner
 * controls every character.
 *
 * @throws CaliberError NVIDIA_SMI_CSV_MALFORMED, NVIDIA_SMI_OUTPUT_TOO_LARGE, NVIDIA_SMI_DUPLICATE_UUID
 */
export function parseCsv(text: string): GpuReading[] {
  if (text.length > maxChars) {
    throw new CaliberError<SmiErrorCode>(
      "NVIDIA_SMI_OUTPUT_TOO_LARGE",
      `the CSV has more than ${maxChars} characters`,
    );
  }
  const lines = text.split("\n", maxLines + 1);
  if (lines.length > maxLines) throw malformed(`the CSV has more than ${maxLines} lines`);
  const rows = new Map<string, Row>();
  let header: string | undefined;
  let columns: readonly string[] = [];
  for (const raw of lines) {
    const line = raw.trim();
    if (line === "" || line === header || /^warning:/i.test(line)) continue;
    const cells = line.split(",", maxColumns + 1);
    if (cells.length > maxColumns) throw malformed(`the CSV has more than ${maxColumns} columns`);
    if (header === undefined) {
      header = line;
      columns = columnsOf(cells);
    } else {
      takeRow(rows, columns, cells);
    }
  }
  if (header === undefined) throw malformed("the CSV is empty");
  return [...rows.values()].map(({ cells }) => csvGpuReading(columns, cells));
}

type Row = { cells: readonly string[]; bus_id: string | null };

function columnsOf(cells: readonly string[]): string[] {
  const columns = cells.map(fieldOf);
  if (!columns.includes("uuid") && !columns.includes("pci.bus_id")) {
    throw malformed("the CSV's first line is not a header that names uuid or pci.bus_id");
  }
  if (new Set(columns).size < columns.length) throw malformed("the CSV's header names a column twice");
  return columns;
}

function takeRow(rows: Map<string, Row>, columns: readonly string[], cells: readonly string[]): void {
  if (cells.length !== columns.length) {
    throw malformed(`a row of the CSV has ${cells.length} columns, its header ${columns.length}`);
  }
  const at = csvCells(columns, cells);
  const bus_id = busIdOf(at("pci.bus_id"));
  const name = uuidOf(at("uuid")) ?? bus_id;
  if (name === null) throw malformed("a row of the CSV names no GPU");
  const before = rows.get(name);
  if (before !== undefined && before.bus_id !== bus_id) {
    throw new CaliberError<SmiErrorCode>(
      "NVIDIA_SMI_DUPLICATE_UUID",
      "nvidia-smi lists two GPUs with one UUID",
    );
  }
  if (before === undefined && rows.size === maxGpus) throw malformed("the CSV lists too many GPUs");
  rows.set(name, { cells, bus_id });
}
