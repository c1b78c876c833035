import { CaliberError } from "../../../protocol/errors.js";
import { nvmlCodes } from "./nvmlCodes.js";

/** What can go wrong with the library or its thread; a GPU that fails shows in its sample's presence instead. */
export type NvmlErrorCode =
  | "NVML_NOT_FOUND"
  | "NVML_TOO_OLD"
  | "NVML_UNINITIALIZED"
  | "NVML_DRIVER_NOT_LOADED"
  | "NVML_VERSION_MISMATCH"
  | "NVML_NO_PERMISSION"
  | "NVML_NO_DEVICES"
  | "NVML_POWER_CABLE"
  | "NVML_INTERRUPT"
  | "NVML_GPU_LOST"
  | "NVML_RESET_REQUIRED"
  | "NVML_DUPLICATE_UUID"
  | "NVML_FAILED"
  | "NVML_SILENT"
  | "NVML_WORKER_FAILED";

const byCode: Readonly<Record<number, readonly [NvmlErrorCode, string]>> = {
  [nvmlCodes.uninitialized]: ["NVML_UNINITIALIZED", "NVML has lost its connection to the driver"],
  [nvmlCodes.noPermission]: ["NVML_NO_PERMISSION", "NVML may not read the GPU"],
  [nvmlCodes.insufficientPower]: ["NVML_POWER_CABLE", "a GPU's external power cable is not attached"],
  [nvmlCodes.driverNotLoaded]: ["NVML_DRIVER_NOT_LOADED", "the NVIDIA driver is not loaded"],
  [nvmlCodes.interrupt]: ["NVML_INTERRUPT", "the kernel found an interrupt problem with a GPU"],
  [nvmlCodes.functionNotFound]: ["NVML_TOO_OLD", "the NVML library lacks a function"],
  [nvmlCodes.gpuIsLost]: ["NVML_GPU_LOST", "a GPU has fallen off the bus"],
  [nvmlCodes.resetRequired]: ["NVML_RESET_REQUIRED", "a GPU requires a reset"],
  [nvmlCodes.gpuNotFound]: ["NVML_NO_DEVICES", "NVML finds no GPU"],
  [nvmlCodes.versionMismatch]: [
    "NVML_VERSION_MISMATCH",
    "the NVML library and the loaded driver are of different versions",
  ],
};

/** The coded error of a return code that was not success. `call` is the function that gave it. */
export function nvmlError(code: number, call: string): CaliberError<NvmlErrorCode> {
  const [name, message] = byCode[code] ?? (["NVML_FAILED", "an NVML call failed"] as const);
  return new CaliberError(name, message, {
    disposition: "retryable",
    details: `${call} returned ${code}`,
  });
}

/** An error as it crosses from the worker: a class does not survive the copy between threads. */
export type PlainError = { code: NvmlErrorCode; message: string; details: string | null };

export function plainOf(error: CaliberError<NvmlErrorCode>): PlainError {
  return { code: error.code, message: error.message, details: error.details ?? null };
}

export function errorOf({ code, message, details }: PlainError): CaliberError<NvmlErrorCode> {
  return new CaliberError(code, message, { disposition: "retryable", ...(details !== null && { details }) });
}
