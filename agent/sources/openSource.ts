import { createDcgm } from "./dcgm/createDcgm.js";
import type { DcgmErrorCode } from "./dcgm/dcgmErrors.js";
import { joinSources } from "./joinSources.js";
import { createKernelLog } from "./kernelLog/createKernelLog.js";
import { type KernelLogSource, kernelLogPaths, openKernelLog } from "./kernelLog/openKernelLog.js";
import { createNvidiaSmiSource } from "./nvidiaSmi/createNvidiaSmiSource.js";
import { createNvmlSource, nvmlLibrary } from "./nvml/createNvmlSource.js";
import { detectNvml } from "./nvml/detectNvml.js";
import type { NvmlErrorCode } from "./nvml/nvmlErrors.js";
import { quietUntilReached } from "./quietUntilReached.js";
import type { Supplement } from "./supplement.js";
import type { SourceClock, TelemetrySource } from "./telemetrySource.js";

export const sourceChoices = ["auto", "nvml", "nvidia-smi"] as const;

/** How the GPUs of a machine are read. */
export type SourceSettings = {
  /** `auto` is NVML, or nvidia-smi where this process cannot call NVML. */
  source: (typeof sourceChoices)[number];
  /** Path or name of the program. */
  nvidia_smi: string;
  /** Path of the library; null for the system's own. */
  nvml: string | null;
  /** `auto` reads the exporter at its usual address where there is one. */
  dcgm: "auto" | "off" | `http${string}`;
  kernel_log: KernelLogSource | "off";
};

export type OpenSourceOptions = {
  /** UUIDs that this host is known to have. */
  known: readonly string[];
  clock: SourceClock;
};

/** After these this process cannot call NVML, whatever the driver does later. All else can pass: the source waits for it. */
const unusable: ReadonlySet<string> = new Set<NvmlErrorCode>([
  "NVML_NOT_FOUND",
  "NVML_TOO_OLD",
  "NVML_WORKER_FAILED",
]);
const dcgmAbsent: DcgmErrorCode = "DCGM_UNREACHABLE";
const detect_ms = 5000;

/** The source that the settings ask for, with what there is to join to it. Nothing is read yet. */
export async function openSource(
  settings: SourceSettings,
  { known, clock }: OpenSourceOptions,
): Promise<TelemetrySource> {
  const { nvidia_smi: path, kernel_log, dcgm } = settings;
  const library = settings.nvml ?? nvmlLibrary;
  const supplements: Supplement[] = [
    ...(dcgm === "off" ? [] : [dcgm === "auto" ? dcgmWherePresent(clock) : createDcgm({ url: dcgm, clock })]),
    ...(kernel_log === "off" ? [] : [createKernelLog({ source: kernel_log, clock })]),
  ];
  const source = (await usesNvml(settings.source, library))
    ? // NVML tells of the worst Xids alone, and without words: for where the kernel's log cannot be read.
      createNvmlSource({ library, known, clock, xid_events: !(await isReadable(kernel_log)) })
    : createNvidiaSmiSource({ path, known, clock });
  return supplements.length === 0 ? source : joinSources(source, supplements, { clock });
}

const dcgmWherePresent = (clock: SourceClock): Supplement =>
  quietUntilReached(createDcgm({ clock }), dcgmAbsent);

async function usesNvml(source: SourceSettings["source"], library: string): Promise<boolean> {
  if (source !== "auto") return source === "nvml";
  const detection = await detectNvml({ library, timeout_ms: detect_ms });
  return detection.found || !unusable.has(detection.code);
}

async function isReadable(kernel_log: SourceSettings["kernel_log"]): Promise<boolean> {
  if (kernel_log === "off") return false;
  const ignore = (): void => undefined;
  try {
    const options = { now_ms: Date.now, onHistory: ignore, onLost: ignore };
    await (await openKernelLog(kernel_log, kernelLogPaths, options)).close();
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === "KERNEL_LOG_UNREADABLE") return false;
    throw error;
  }
}
