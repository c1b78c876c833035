import type { XidEvent } from "../../protocol/report/schema.js";
import type { GpuSample } from "../sources/telemetrySource.js";

/** A fault that stops the GPU, and that the sample before did not tell as well. */
const isNewXid = (event: XidEvent, before: readonly XidEvent[]) =>
  (event.severity === "impaired" || event.severity === "lost") &&
  !before.some(
    ({ xid, source, severity }) =>
      xid === event.xid && source === event.source && severity === event.severity,
  );

/**
 * True when `current` is bad news that `previous` (the sample before, null at the start) was not: the GPU is lost or
 * missing, the driver told an Xid that is `impaired` or `lost`, uncorrectable ECC errors rose, a row remap is pending or
 * has failed, or the driver asks for a recovery action. Then the window closes at once. A fault that goes on is not news
 * (repeats of an Xid come bundled, see joinSourcesXids.ts), and neither is a probe that timed out.
 */
export function isFault(previous: GpuSample | null, current: GpuSample): boolean {
  const told = previous?.xids ?? [];
  if (current.xids.some((event) => isNewXid(event, told))) return true;
  if (current.presence === "lost" || current.presence === "missing") {
    return previous?.presence !== "lost" && previous?.presence !== "missing";
  }
  const before = previous?.health;
  const { ecc_volatile, ecc_aggregate, remapped_rows, recovery_action } = current.health;
  const rose = (now: number | null | undefined, then: number | null | undefined) =>
    typeof now === "number" && typeof then === "number" && now > then;
  const appeared = (now: boolean | null | undefined, then: boolean | null | undefined) =>
    now === true && then !== true;
  return (
    rose(ecc_volatile?.dram_uncorrectable, before?.ecc_volatile?.dram_uncorrectable) ||
    rose(ecc_volatile?.sram_uncorrectable, before?.ecc_volatile?.sram_uncorrectable) ||
    rose(ecc_aggregate?.dram_uncorrectable, before?.ecc_aggregate?.dram_uncorrectable) ||
    rose(ecc_aggregate?.sram_uncorrectable, before?.ecc_aggregate?.sram_uncorrectable) ||
    appeared(remapped_rows?.pending, before?.remapped_rows?.pending) ||
    appeared(remapped_rows?.failure, before?.remapped_rows?.failure) ||
    (recovery_action !== null &&
      recovery_action !== "none" &&
      recovery_action !== (before?.recovery_action ?? null))
  );
}
