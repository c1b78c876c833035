import { CaliberError } from "../../protocol/errors.js";
import { leafHash } from "../../protocol/merkle/leafHash.js";
import { rootOf } from "../../protocol/merkle/rootOf.js";
import type { TelemetryBody } from "../../protocol/report/schema.js";
import { noReading } from "../sources/noReading.js";
import type { FastReading } from "../sources/telemetrySource.js";
import type { Window, WindowErrorCode } from "./createWindow.js";
import { encodeSample } from "./encodeSample.js";
import { joinXids } from "./joinXids.js";
import { statOf } from "./statOf.js";
import { suppliedIn } from "./suppliedIn.js";
import { weigh } from "./weigh.js";

export type ClosedWindow = {
  body: TelemetryBody;
  /** The leaves under `samples_root` (encodeSample.ts), for the ring that a verifier can ask to open. */
  raw: Buffer[];
};

/**
 * What the window says. Statistics are over the samples that have the reading; `presence` is that of the last sample
 * (`probe_timeout` when there is none); `present_ms` the time that samples with presence `present` stand for
 * (weigh.ts). State (ECC, remapped rows, recovery action, replays, processes, fabric), the energy counter and the PCIe
 * link are those of the last sample in which the GPU answered; `throttle` names every reason seen, `xids` every fault
 * told. `samples` counts every leaf, timeouts included.
 *
 * @throws CaliberError WINDOW_ENDS_EARLY when `end_mono_ms` is before the last sample
 */
export function closeWindow(window: Window, end_mono_ms: number): ClosedWindow {
  const { samples, start_mono_ms, interval_ms } = window;
  const last = samples.at(-1);
  if (end_mono_ms < (last?.at_mono_ms ?? start_mono_ms)) {
    throw new CaliberError<WindowErrorCode>("WINDOW_ENDS_EARLY", "the window ends before its last sample", {
      disposition: "internal",
    });
  }
  const weights = weigh(
    samples.map(({ at_mono_ms }) => at_mono_ms),
    { start_mono_ms, end_mono_ms, interval_ms },
  );
  type Quantity = Exclude<keyof FastReading, "throttle" | "energy_mj">;
  const stat = (quantity: Quantity) =>
    statOf(
      samples.map(({ fast }) => fast[quantity]),
      weights,
    );
  const raw = samples.map(encodeSample);
  const answered = samples.findLast(({ presence }) => presence === "present") ?? noReading;
  const told = samples.some(({ fast }) => fast.throttle !== null);
  const throttle = new Set(samples.flatMap(({ fast }) => fast.throttle ?? []));
  return {
    raw,
    body: {
      presence: last?.presence ?? "probe_timeout",
      samples: samples.length,
      samples_expected: Math.round((end_mono_ms - start_mono_ms) / interval_ms),
      samples_root: rootOf(raw.map(leafHash)).toString("hex"),
      present_ms: samples.reduce(
        (sum, { presence }, index) => sum + (presence === "present" ? weights[index]! : 0),
        0,
      ),
      util_permille: stat("util_permille"),
      sm_activity_permille: stat("sm_activity_permille"),
      mem_util_permille: stat("mem_util_permille"),
      fb_used_mib: stat("fb_used_mib"),
      power_mw: stat("power_mw"),
      temp_mc: stat("temp_mc"),
      sm_clock_mhz: stat("sm_clock_mhz"),
      energy_mj: answered.fast.energy_mj,
      pcie_gen: answered.fast.pcie_gen,
      pcie_width: answered.fast.pcie_width,
      ...answered.health,
      throttle: told ? [...throttle].sort().slice(0, 32) : null,
      supplied: suppliedIn(samples),
      xids: joinXids(samples.flatMap(({ xids }) => xids)),
      implausible: [],
    },
  };
}
