import { CaliberError, type Disposition } from "../../../protocol/errors.js";

/** Everything that can go wrong with the program itself; a GPU that fails shows in its sample's presence instead. */
export type SmiErrorCode =
  | "NVIDIA_SMI_NOT_FOUND"
  | "NVIDIA_SMI_BAD_ARGUMENT"
  | "NVIDIA_SMI_NOT_SUPPORTED"
  | "NVIDIA_SMI_NO_PERMISSION"
  | "NVIDIA_SMI_NO_DEVICES"
  | "NVIDIA_SMI_POWER_CABLE"
  | "NVIDIA_SMI_DRIVER_NOT_LOADED"
  | "NVIDIA_SMI_INTERRUPT"
  | "NVIDIA_SMI_NVML_MISSING"
  | "NVIDIA_SMI_NVML_TOO_OLD"
  | "NVIDIA_SMI_INFOROM_CORRUPTED"
  | "NVIDIA_SMI_GPU_LOST"
  | "NVIDIA_SMI_RESET_REQUIRED"
  | "NVIDIA_SMI_VERSION_MISMATCH"
  | "NVIDIA_SMI_FAILED"
  | "NVIDIA_SMI_TIMEOUT"
  | "NVIDIA_SMI_UNKILLABLE"
  | "NVIDIA_SMI_SILENT"
  | "NVIDIA_SMI_OUTPUT_TOO_LARGE"
  | "NVIDIA_SMI_XML_MALFORMED"
  | "NVIDIA_SMI_XML_REPAIRED"
  | "NVIDIA_SMI_XML_REPLACED"
  | "NVIDIA_SMI_CSV_MALFORMED"
  | "NVIDIA_SMI_SAVED_UNKNOWN"
  | "NVIDIA_SMI_DUPLICATE_UUID";

/**
 * nvidia-smi(1), "Return Value"; 16 and 18 are NVML's own (nvml.h, nvmlReturn_t), which it ends with all the same. `retryable` is what may pass by itself, `user` what a person has to mend on the host,
 * `internal` what this program asked wrongly. A source goes on trying in every case.
 */
const byExit: Readonly<Record<number, readonly [SmiErrorCode, Disposition, string]>> = {
  2: ["NVIDIA_SMI_BAD_ARGUMENT", "internal", "nvidia-smi does not know an argument that it was given"],
  3: ["NVIDIA_SMI_NOT_SUPPORTED", "user", "nvidia-smi says that the GPU cannot do what it was asked"],
  4: ["NVIDIA_SMI_NO_PERMISSION", "user", "this user may not read the GPU"],
  6: ["NVIDIA_SMI_NO_DEVICES", "user", "nvidia-smi found no GPU"],
  8: ["NVIDIA_SMI_POWER_CABLE", "user", "a GPU's external power cable is not attached"],
  9: ["NVIDIA_SMI_DRIVER_NOT_LOADED", "retryable", "the NVIDIA driver is not loaded"],
  10: ["NVIDIA_SMI_INTERRUPT", "user", "the kernel found an interrupt problem with a GPU"],
  12: ["NVIDIA_SMI_NVML_MISSING", "user", "the NVML library (libnvidia-ml.so.1) is missing"],
  13: ["NVIDIA_SMI_NVML_TOO_OLD", "user", "the NVML library lacks a function that this nvidia-smi wants"],
  14: ["NVIDIA_SMI_INFOROM_CORRUPTED", "user", "a GPU's infoROM is corrupted"],
  15: ["NVIDIA_SMI_GPU_LOST", "retryable", "a GPU has fallen off the bus or cannot be reached"],
  16: ["NVIDIA_SMI_RESET_REQUIRED", "user", "a GPU must be reset before it can be read"],
  18: ["NVIDIA_SMI_VERSION_MISMATCH", "user", "the driver in the kernel and its library differ in version"],
};

/** The warning that damaged XML could be read all the same: so many tags had to be added or dropped. */
export function xmlRepaired(repairs: number, cause?: CaliberError): CaliberError<SmiErrorCode> {
  const places = repairs === 1 ? "one place" : `${repairs} places`;
  const message = `the XML of nvidia-smi is nested wrongly: repaired in ${places} from which nothing is read`;
  return new CaliberError("NVIDIA_SMI_XML_REPAIRED", message, { cause, disposition: "retryable" });
}

/** The last printable line, at most 200 characters, of what the program said (the host's owner controls it); XML is skipped. */
export function lineOf(output: string): string {
  const line = output.split(/\r?\n/).findLast((candidate) => /^\s*[^\s<]/.test(candidate)) ?? "";
  return line
    .replace(/[^\x20-\x7e]/g, "?")
    .trim()
    .slice(0, 200);
}

/** The coded error of an exit that was not 0. `output` is what was printed, for the details. */
export function smiExitError(
  exit: { code: number | null; signal: string | null },
  output: string,
): CaliberError<SmiErrorCode> {
  // Whatever it ends with: some drivers take an empty machine for a success.
  const empty = exit.code !== null && /^No devices (?:were )?found/im.test(output);
  const known = exit.code === null ? undefined : byExit[empty ? 6 : exit.code];
  const [code, disposition, message] =
    known ??
    ([
      "NVIDIA_SMI_FAILED",
      "retryable",
      `nvidia-smi ended with ${exit.signal ?? `exit code ${exit.code}`}`,
    ] as const);
  const line = lineOf(output);
  return new CaliberError(code, message, { disposition, ...(line !== "" && { details: line }) });
}

/** The coded error of a program that could not be started at all. */
export function smiSpawnError(path: string, cause: Error): CaliberError<SmiErrorCode> {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new CaliberError("NVIDIA_SMI_NOT_FOUND", `no nvidia-smi at ${path}`, {
      cause,
      disposition: "user",
    });
  }
  if (code === "EACCES" || code === "EPERM") {
    return new CaliberError("NVIDIA_SMI_NO_PERMISSION", `may not execute ${path}`, {
      cause,
      disposition: "user",
    });
  }
  return new CaliberError("NVIDIA_SMI_FAILED", `could not start ${path}`, {
    cause,
    disposition: "retryable",
  });
}
