import { CaliberError } from "../../../protocol/errors.js";
import type { InventoryBody } from "../../../protocol/report/schema.js";
import type { GpuSample } from "../telemetrySource.js";
import { fieldOf } from "./csvCells.js";
import { parseCsv } from "./parseCsv.js";
import { readXml } from "./readXml.js";
import { lineOf, type SmiErrorCode } from "./smiErrors.js";

export type SavedReading = {
  /** Which of nvidia-smi's outputs it was. */
  format: "xml" | "csv";
  inventory: InventoryBody[];
  /** One a GPU, in the same order. */
  readings: Pick<GpuSample, "uuid" | "presence" | "fast" | "health">[];
  /** Tags that had to be added or dropped because the XML is nested wrongly where nothing is read; 0 for CSV. */
  repairs: number;
  /** PCI addresses (null: not even that) of GPUs that gave no UUID, and so stand in neither list. */
  unnamed: (string | null)[];
};

/**
 * Reads what somebody saved of `nvidia-smi -q -x`, or of `nvidia-smi --query-gpu=… --format=csv` with its header (units
 * or not). Says what the live source would say of the same output.
 *
 * @throws CaliberError NVIDIA_SMI_XML_MALFORMED, NVIDIA_SMI_CSV_MALFORMED, NVIDIA_SMI_OUTPUT_TOO_LARGE,
 * NVIDIA_SMI_DUPLICATE_UUID, NVIDIA_SMI_NO_DEVICES, NVIDIA_SMI_SAVED_UNKNOWN (neither of the two)
 */
export function readSaved(text: string): SavedReading {
  const format = formatOf(text);
  const { readings: all, repairs } =
    format === "xml" ? readXml(text) : { readings: parseCsv(text), repairs: 0 };
  if (all.length === 0) throw noDevices();
  const named = all.flatMap((reading) => (reading.uuid === null ? [] : { ...reading, uuid: reading.uuid }));
  return {
    format,
    repairs,
    inventory: named.map(({ uuid, inventory }) => ({ ...inventory, uuid })),
    readings: named.map(({ uuid, presence, fast, health }) => ({ uuid, presence, fast, health })),
    unnamed: all.flatMap((reading) => (reading.uuid === null ? [reading.bus_id] : [])),
  };
}

/** Columns of which a table of nvidia-smi has at least one, however short the query. */
const telling = [
  "uuid",
  "pci.bus_id",
  "index",
  "name",
  "serial",
  "timestamp",
  "power.draw",
  "utilization.gpu",
];

function formatOf(text: string): "xml" | "csv" {
  if (text.includes("<nvidia_smi_log")) return "xml";
  if (/^No devices were found/im.test(text)) throw noDevices();
  const lines = text.slice(0, 16_384).split("\n");
  const first = lines.find((line) => line.trim() !== "" && !/^\s*warning:/i.test(line)) ?? "";
  if (first.split(",").some((column) => telling.includes(fieldOf(column)))) return "csv";
  const said = lineOf(first);
  throw new CaliberError<SmiErrorCode>(
    "NVIDIA_SMI_SAVED_UNKNOWN",
    "this is neither the XML of nvidia-smi -q -x nor the CSV, with header, of nvidia-smi --query-gpu",
    { disposition: "user", ...(said !== "" && { details: said }) },
  );
}

const noDevices = () =>
  new CaliberError<SmiErrorCode>("NVIDIA_SMI_NO_DEVICES", "nvidia-smi found no GPU", { disposition: "user" });
