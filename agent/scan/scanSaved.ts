import { CaliberError } from "../../protocol/errors.js";
import type { XidEvent } from "../../protocol/report/schema.js";
import { classifyXid } from "../../protocol/xid/classifyXid.js";
import { agentName } from "../runtime/agentName.js";
import { readSavedMetrics } from "../sources/dcgm/readSavedMetrics.js";
import { readSavedKernelLog } from "../sources/kernelLog/readSavedKernelLog.js";
import { readSaved } from "../sources/nvidiaSmi/readSaved.js";
import { type SmiErrorCode, xmlRepaired } from "../sources/nvidiaSmi/smiErrors.js";
import type { GpuName } from "../sources/supplement.js";
import { joinXids } from "../window/joinXids.js";
import { problemOf } from "./problemOf.js";
import { scannedGpu } from "./scannedGpu.js";
import type { ScannedGpu, ScanResult } from "./scanResult.js";

type Saved = Pick<ScanResult, "from" | "source" | "gpus" | "problems">;

/**
 * Reads what somebody saved of a source: XML or CSV of nvidia-smi, metrics of dcgm-exporter, or a kernel log. `read_ms`
 * stands for the time of what has none of its own. Its maker controls every character.
 *
 * What nvidia-smi says of a machine without GPUs is a reading too, with that problem and no GPU.
 *
 * @throws CaliberError SCAN_FILE_UNKNOWN, or what the reader of that form throws (NVIDIA_SMI_*)
 */
export function scanSaved(text: string, read_ms: number): ScanResult {
  return { v: 1, agent: agentName, at_ms: read_ms, host: null, ...savedOf(text, read_ms) };
}

function savedOf(text: string, read_ms: number): Saved {
  if (text.includes("<nvidia_smi_log")) return ofNvidiaSmi(text, read_ms);
  if (/^(?:# (?:HELP|TYPE) )?DCGM_FI_/m.test(text)) return ofMetrics(text, read_ms);
  if (text.includes("NVRM: ") || isKernelLog(text)) return ofKernelLog(text, read_ms);
  try {
    return ofNvidiaSmi(text, read_ms);
  } catch (cause) {
    if ((cause as CaliberError).code !== "NVIDIA_SMI_SAVED_UNKNOWN") throw cause;
    throw new CaliberError(
      "SCAN_FILE_UNKNOWN",
      "this is none of what can be read: nvidia-smi -q -x, nvidia-smi --query-gpu=… --format=csv with its header, dcgm-exporter's metrics, or a kernel log",
      { cause, disposition: "user" },
    );
  }
}

/** How /dev/kmsg, dmesg and syslog begin a line that the kernel printed. */
const kernelLines =
  /^(?:\d{1,3},\d{1,15},\d{1,15},[^;\n]{0,64};|(?:<\d{1,3}>)?\[ *\d{1,10}\.\d{6}\] |\S.{0,90} kernel: )/m;

/** A log in which the driver says nothing is one all the same: its first lines tell. */
const isKernelLog = (text: string): boolean => kernelLines.test(text.slice(0, 4096));

function ofNvidiaSmi(text: string, read_ms: number): Saved {
  try {
    return ofReadings(text, read_ms);
  } catch (error) {
    const none = CaliberError.find(error, "NVIDIA_SMI_NO_DEVICES" satisfies SmiErrorCode);
    if (none === undefined) throw error;
    const from = text.includes("<nvidia_smi_log") ? "nvidia-smi-xml" : "nvidia-smi-csv";
    return { from, source: "nvidia-smi", gpus: [], problems: [problemOf(none)] };
  }
}

function ofReadings(text: string, read_ms: number): Saved {
  const { format, inventory, readings, unnamed, repairs } = readSaved(text);
  const bodies = new Map(inventory.map((body) => [body.uuid, body]));
  const named = readings.map((reading) =>
    scannedGpu(reading.uuid, bodies.get(reading.uuid) ?? null, [
      { ...reading, source: "nvidia-smi", supplied: [], xids: [], at_ms: read_ms, at_mono_ms: 1000 },
    ]),
  );
  return {
    from: format === "xml" ? "nvidia-smi-xml" : "nvidia-smi-csv",
    source: "nvidia-smi",
    gpus: [...named, ...unnamed.map((bus_id) => bare({ uuid: null, bus_id }))],
    problems: repairs === 0 ? [] : [problemOf(xmlRepaired(repairs))],
  };
}

/** Tellings of one GPU that are kept before they are joined: a storm has millions. */
const maxTold = 1024;

function ofKernelLog(text: string, read_ms: number): Saved {
  const told = new Map<string, { gpu: GpuName; xids: XidEvent[] }>();
  let undated = 0;
  for (const { gpu, event, dated } of readSavedKernelLog(text, read_ms)) {
    if (!dated) undated++;
    const name = gpu.bus_id ?? gpu.uuid ?? "";
    const known = told.get(name);
    const xids = known?.xids ?? [];
    xids.push(event);
    told.set(name, {
      gpu: { ...gpu, uuid: known?.gpu.uuid ?? gpu.uuid },
      xids: xids.length < maxTold ? xids : joinXids(xids),
    });
  }
  return {
    from: "kernel-log",
    source: null,
    gpus: [...told.values()].map(({ gpu, xids }) => ({ ...bare(gpu), xids: joinXids(xids) })),
    problems: undatedProblem(undated),
  };
}

function ofMetrics(text: string, read_ms: number): Saved {
  const { gpus, problems } = readSavedMetrics(text);
  const times = { first_ms: read_ms, last_ms: read_ms, count: 1 };
  const undated = gpus.reduce((sum, { last_xids }) => sum + last_xids.length, 0);
  return {
    from: "dcgm",
    source: null,
    gpus: gpus.map(({ gpu, values, last_xids }) => ({
      ...bare(gpu),
      dcgm: values,
      xids: last_xids.map((xid) => ({ xid, ...times, source: "dcgm", detail: null, ...classifyXid(xid) })),
    })),
    problems: [...problems.map(problemOf), ...undatedProblem(undated)],
  };
}

function undatedProblem(faults: number): Saved["problems"] {
  const these = faults === 1 ? "one fault has" : `${faults} faults have`;
  const message = `${these} no date: the time of this reading stands in`;
  return faults === 0 ? [] : [{ code: "SCAN_UNDATED", message, details: null }];
}

/** A GPU of which no more than a name is known. */
function bare({ uuid, bus_id }: GpuName): ScannedGpu {
  return { uuid, bus_id, inventory: null, telemetry: null, dcgm: null, xids: [], implausible: [] };
}
