import type { CaliberError } from "../../../protocol/errors.js";
import { throttleReasons } from "../nvidiaSmi/throttleReasons.js";
import { recoveryActions } from "../recoveryActions.js";
import type { SuppliedReading } from "../supplement.js";
import { dcgmError } from "./dcgmErrors.js";
import type { DcgmField } from "./dcgmFields.js";
import { decimalOf } from "./decimalOf.js";
import type { DcgmGpu } from "./gpusOf.js";
import { smActivityOf, smActivityOfInstances } from "./smActivity.js";

type Values = SuppliedReading["values"];
const max = Number.MAX_SAFE_INTEGER;

/** What one GPU's series say in our units; a member that they do not say is left out. Problems name the GPU. */
export function valuesOf(gpu: DcgmGpu): { values: Values; problems: CaliberError[] } {
  const { fields } = gpu;
  const scaled = (field: DcgmField, shift: number, low: number, high: number): number | null => {
    const exact = decimalOf(fields.get(field) ?? "", shift);
    return exact !== null && exact >= BigInt(low) && exact <= BigInt(high) ? Number(exact) : null;
  };
  const count = (field: DcgmField) => scaled(field, 0, 0, max);
  const flag = (field: DcgmField) => {
    const value = scaled(field, 0, 0, 1);
    return value === null ? null : value === 1;
  };
  const ecc = (kind: "volatile" | "aggregate") => {
    const counters = {
      sram_correctable: count(`${kind}_sram_correctable`),
      sram_uncorrectable: count(`${kind}_sram_uncorrectable`),
      dram_correctable: count(`${kind}_dram_correctable`),
      dram_uncorrectable: count(`${kind}_dram_uncorrectable`),
    };
    return Object.values(counters).every((value) => value === null) ? null : counters;
  };
  const remapped = () => {
    const correctable = count("remap_correctable");
    const uncorrectable = count("remap_uncorrectable");
    if (correctable === null || uncorrectable === null) return null;
    return { correctable, uncorrectable, pending: flag("remap_pending"), failure: flag("remap_failure") };
  };
  const action = count("recovery_action");
  const mask = decimalOf(fields.get("throttle") ?? "");
  const energy = decimalOf(fields.get("energy") ?? "");
  const activity =
    fields.has("sm_active") || gpu.instances.size === 0
      ? smActivityOf(fields.get("sm_active") ?? null)
      : smActivityOfInstances([...gpu.instances.values()], gpu.model, scaled("mig_max_slices", 0, 1, 64));

  const all: { [K in keyof Values]-?: Values[K] | null } & object = {
    // Percent, also under the name that says ratio: the same field under another name.
    util_permille: scaled("util", 1, 0, 1000),
    sm_activity_permille: activity.permille,
    mem_util_permille: scaled("mem_util", 1, 0, 1000),
    fb_used_mib: count("fb_used"),
    power_mw: scaled("power", 3, 0, max),
    temp_mc: scaled("temp", 3, -273_150, 1_000_000),
    sm_clock_mhz: count("sm_clock"),
    pcie_gen: scaled("pcie_gen", 0, 1, 16),
    pcie_width: scaled("pcie_width", 0, 1, 64),
    energy_mj: energy === null || energy < 0n || energy >= 10n ** 20n ? null : String(energy),
    throttle: mask === null || mask < 0n ? null : throttleReasons(`0x${mask.toString(16)}`),
    pcie_replays: count("pcie_replays"),
    ecc_volatile: ecc("volatile"),
    ecc_aggregate: ecc("aggregate"),
    sram_threshold_exceeded: flag("sram_exceeded"),
    remapped_rows: remapped(),
    recovery_action: action === null || action > 255 ? null : (recoveryActions[action] ?? `action_${action}`),
    processes: null,
    fabric: null,
  };
  const values = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null)) as Values;

  const name = gpu.gpu.uuid ?? gpu.gpu.bus_id ?? "";
  const problems: CaliberError[] = [];
  if (activity.above) {
    const message = `DCGM says that more than all SMs of ${name} are active; it is read as all`;
    problems.push(dcgmError("DCGM_SM_ACTIVE_ABOVE_ONE", message));
  }
  if (activity.unknown) {
    const message = `DCGM names no size of a MIG instance of ${name}, so its SM activity cannot be told`;
    problems.push(dcgmError("DCGM_MIG_PROFILE_UNKNOWN", message));
  }
  return { values, problems };
}
