import type { KernelLogSource } from "./kernelLog/openKernelLog.js";
import { createNvidiaSmiSource } from "./nvidiaSmi/createNvidiaSmiSource.js";
import type { SourceClock, TelemetrySource } from "./telemetrySource.js";

export const sourceChoices = ["auto", "nvml", "nvidia-smi"] as const;

/** How the GPUs of a machine are read. */
export type SourceSettings = {
  source: (typeof sourceChoices)[number];
  /** Path or name of the program. */
  nvidia_smi: string;
  /** Path of the library; null for the system's own. */
  nvml: string | null;
  dcgm: "auto" | "off" | `http${string}`;
  kernel_log: KernelLogSource | "off";
};

export type OpenSourceOptions = {
  /** UUIDs that this host is known to have. */
  known: readonly string[];
  clock: SourceClock;
};

/** The source that the settings ask for, with what there is to join to it. */
export async function openSource(
  settings: SourceSettings,
  { known, clock }: OpenSourceOptions,
): Promise<TelemetrySource> {
  return createNvidiaSmiSource({ path: settings.nvidia_smi, known, clock });
}
