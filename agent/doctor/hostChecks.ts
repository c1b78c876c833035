import { accessSync, constants } from "node:fs";
import type { HostFiles } from "../hostFacts/hostFiles.js";
import type { OneReading } from "../scan/readOnce.js";
import { dcgmDefaultUrl } from "../sources/dcgm/createDcgm.js";
import { fetchMetrics } from "../sources/dcgm/fetchMetrics.js";
import { kernelLogPaths, openKernelLog } from "../sources/kernelLog/openKernelLog.js";
import { detect } from "../sources/nvidiaSmi/detect.js";
import { nvmlLibrary } from "../sources/nvml/createNvmlSource.js";
import { detectNvml } from "../sources/nvml/detectNvml.js";
import type { SourceSettings } from "../sources/openSource.js";
import type { Check } from "./check.js";
import { checkDcgm } from "./checkDcgm.js";
import { checkDeviceFiles } from "./checkDeviceFiles.js";
import { checkDriver } from "./checkDriver.js";
import { checkGpus } from "./checkGpus.js";
import { checkKernelLog } from "./checkKernelLog.js";
import { checkNvidiaSmi } from "./checkNvidiaSmi.js";
import { checkNvml } from "./checkNvml.js";
import { checkPersistence } from "./checkPersistence.js";

export type HostCheckOptions = {
  settings: SourceSettings;
  /** True when the GPUs are a simulator's: then there is no driver to look for. */
  simulated: boolean;
  files: HostFiles;
  /** One reading of the source that the agent would use, taken once for all checks. */
  read: () => Promise<OneReading>;
};

const timeout_ms = 10_000;

/** What can be looked at before enrolment: driver, sources, GPUs. */
export function hostChecks({ settings, simulated, files, read }: HostCheckOptions): Check[] {
  const { nvidia_smi: path, kernel_log, dcgm } = settings;
  const library = settings.nvml ?? nvmlLibrary;
  const url = dcgm === "auto" ? dcgmDefaultUrl : dcgm;
  const needsDcgm = async (): Promise<boolean> =>
    dcgm !== "auto" || (await read()).inventory.some(({ mig_enabled }) => mig_enabled === true);
  return [
    ...(simulated ? [] : [checkDriver(files), checkDeviceFiles(files, canUse)]),
    checkNvidiaSmi(() => detect({ path, env: {} }, { timeout_ms })),
    ...(settings.source === "nvidia-smi" ? [] : [checkNvml(() => detectNvml({ library, timeout_ms }))]),
    checkGpus(read),
    checkPersistence(async () => (await read()).inventory),
    ...(dcgm === "off"
      ? []
      : [
          checkDcgm({
            fetch: () => fetchMetrics(url, timeout_ms, new AbortController().signal),
            needed: needsDcgm,
          }),
        ]),
    ...(kernel_log === "off" ? [] : [checkKernelLog(() => tryKernelLog(kernel_log))]),
  ];
}

/** By its permissions: opening a GPU's device file could load its driver. */
function canUse(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

async function tryKernelLog(source: Exclude<SourceSettings["kernel_log"], "off">): Promise<void> {
  const ignore = (): void => undefined;
  const options = { now_ms: Date.now, onHistory: ignore, onLost: ignore };
  const log = await openKernelLog(source, kernelLogPaths, options);
  await log.close();
}
