import type { CaliberError } from "../../protocol/errors.js";
import type { ScanResult } from "./scanResult.js";

/** A fault as data. */
export function problemOf({ code, message, details }: CaliberError): ScanResult["problems"][number] {
  return { code, message, details: details ?? null };
}
