import { accessSync, constants } from "node:fs";
import type { HostFiles } from "../hostFacts/hostFiles.js";
import type { OneReading } from "../scan/readOnce.js";
import { kernelLogPaths, openKernelLog } from "../sources/kernelLog/openKernelLog.js";
import { detect } from "../sources/nvidiaSmi/detect.js";
import type { SourceSettings } from "../sources/openSource.js";
import type { Check } from "./check.js";
import { checkDeviceFiles } from "./checkDeviceFiles.js";
import { checkDriver } from "./checkDriver.js";
import { checkGpus } from "./checkGpus.js";
import { checkKernelLog } from "./checkKernelLog.js";
import { checkNvidiaSmi } from "./checkNvidiaSmi.js";
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
  const { nvidia_smi: path, kernel_log } = settings;
  return [
    ...(simulated ? [] : [checkDriver(files), checkDeviceFiles(files, canUse)]),
    checkNvidiaSmi(() => detect({ path, env: {} }, { timeout_ms })),
    checkGpus(read),
    checkPersistence(async () => (await read()).inventory),
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
