import { CaliberError } from "../../protocol/errors.js";
import type { KeyBody } from "../../protocol/log/entryBodies.js";
import type { RefusalCode } from "../../protocol/refusal.js";
import type { Report, RetireReport, RotateReport } from "../../protocol/report/schema.js";
import { checkSuccessorResidency } from "../../protocol/rotation/checkSuccessorResidency.js";
import { openSuccessor, type Successor } from "../../protocol/rotation/openSuccessor.js";
import type { DeviceDirectory } from "./deviceDirectory.js";

export type EndingReport = RotateReport | RetireReport;

/** What is to be done when a report that ends its key is on record: the log's entry, and who goes on. */
export type KeyEnd = { body: KeyBody; seq: number; successor: Successor | null };

export function endsKey(report: Report): report is EndingReport {
  return report.kind === "rotate" || report.kind === "retire";
}

/**
 * What a report that ends its key amounts to. The next key must be nobody's yet: a key speaks for one GPU, once.
 *
 * @param attestorOf the attestation key of the TPM in which the device was enrolled; null for keys in files.
 * @throws CaliberError SUCCESSOR_INVALID
 */
export function endKey(
  report: EndingReport,
  statement: string,
  directory: Pick<DeviceDirectory, "find">,
  attestorOf: (device: string) => Buffer | null,
  at_ms: number,
): KeyEnd {
  const { device, host, seq } = report;
  const told = { at_ms, host, device, seq, statement };
  if (report.kind === "retire") {
    return { body: { type: "retire", ...told, reason: report.body.reason }, seq, successor: null };
  }
  const successor = openSuccessor(report);
  if (directory.find(successor.device) !== undefined) {
    const code: RefusalCode = "SUCCESSOR_INVALID";
    throw new CaliberError(code, `key ${successor.device} is on record already`);
  }
  checkSuccessorResidency(report, successor, attestorOf(device));
  const { tpm } = report.body;
  const successor_spki = successor.spki.toString("base64");
  const next = { successor: successor.device, successor_spki, ...(tpm !== undefined && { tpm }) };
  const body: KeyBody = { type: "rotate", ...told, ...next };
  return { body, seq, successor };
}
