import type { SeenTelemetry, TelemetryRule } from "../telemetryRule.js";
import { words } from "../words.js";

/** No GPU draws more. */
const most_mw = 2_000_000;

/**
 * Counters only rise. Some live in the GPU's own memory and no reload brings them back: remapped rows and uncorrectable
 * errors. The others begin anew when the driver is loaded: they may fall, when something shows that it was
 * (mayBeReloaded), and energy only to what can have been drawn since.
 */
export const counterWentBack: TelemetryRule = {
  code: "COUNTER_WENT_BACK",
  judge(seen) {
    const { before } = seen;
    return before === null ? null : (keptCounter(seen) ?? energyCounter(seen) ?? loadedCounter(seen));
  },
};

function keptCounter({ body, before }: SeenTelemetry): string | null {
  const then = before!.body;
  const now = body;
  return (
    fell(
      "remapped rows (uncorrectable)",
      then.remapped_rows?.uncorrectable,
      now.remapped_rows?.uncorrectable,
    ) ??
    fell("remapped rows (correctable)", then.remapped_rows?.correctable, now.remapped_rows?.correctable) ??
    fell(
      "aggregate uncorrectable DRAM errors",
      then.ecc_aggregate?.dram_uncorrectable,
      now.ecc_aggregate?.dram_uncorrectable,
    ) ??
    fell(
      "aggregate uncorrectable SRAM errors",
      then.ecc_aggregate?.sram_uncorrectable,
      now.ecc_aggregate?.sram_uncorrectable,
    )
  );
}

function energyCounter({ body, window, before }: SeenTelemetry): string | null {
  if (!isBelow(body.energy_mj, before!.body.energy_mj)) return null;
  const now_mj = Number(body.energy_mj);
  const then_mj = Number(before!.body.energy_mj);
  const since_ms = Math.max(0, window.end_ms - before!.window.end_ms);
  if (now_mj <= (most_mw * (since_ms + 2000)) / 1000) return null;
  return `the energy counter fell from ${words.joules(then_mj)} to ${words.joules(now_mj)}, more than ${words.seconds(since_ms)} after a reload can give`;
}

function loadedCounter(seen: SeenTelemetry): string | null {
  const then = seen.before!.body;
  const now = seen.body;
  const evidence =
    fell("PCIe replays", then.pcie_replays, now.pcie_replays, unloaded) ??
    // Written to the GPU's memory now and then: a crash may lose the last few.
    fell(
      "aggregate correctable DRAM errors",
      then.ecc_aggregate?.dram_correctable,
      now.ecc_aggregate?.dram_correctable,
      unloaded,
    ) ??
    fell(
      "aggregate correctable SRAM errors",
      then.ecc_aggregate?.sram_correctable,
      now.ecc_aggregate?.sram_correctable,
      unloaded,
    );
  return evidence === null || mayBeReloaded(seen) ? null : evidence;
}

const unloaded = ", and nothing shows that the driver was reloaded";

/**
 * What a driver reload looks like: the energy counter began anew, or the GPU was away for a while, or there was time
 * that nobody watched.
 */
function mayBeReloaded({ body, window, before }: SeenTelemetry): boolean {
  const then = before!.body;
  return (
    isBelow(body.energy_mj, then.energy_mj) ||
    then.presence !== "present" ||
    body.presence !== "present" ||
    body.present_ms < window.end_ms - window.start_ms ||
    window.start_ms - before!.window.end_ms > 1000
  );
}

/** Compares decimal strings without leading zeros, as counters come. */
function isBelow(now: string | null, then: string | null): boolean {
  if (now === null || then === null) return false;
  return now.length === then.length ? now < then : now.length < then.length;
}

function fell(
  what: string,
  then: number | null | undefined,
  now: number | null | undefined,
  why = "",
): string | null {
  if (typeof then !== "number" || typeof now !== "number" || now >= then) return null;
  return `${what} fell from ${then} to ${now}${why}`;
}
