import type { GpuSample } from "../sources/telemetrySource.js";

/**
 * The bytes of one raw sample, of which `samples_root` takes the leaf hash: UTF-8 JSON without white space, exactly
 * these keys in exactly this order, integers or null, `throttle` a list of strings or null, `energy_mj` a
 * decimal string or null, `xids` a list of integers (null in it: fell off the bus without an Xid). `v` is the version of this
 * encoding; strings hold printable ASCII without `"` and `\`, so every JSON writer gives the same bytes.
 */
export function encodeSample(sample: GpuSample): Buffer {
  const { fast, health } = sample;
  return Buffer.from(
    JSON.stringify({
      v: 1,
      uuid: sample.uuid,
      source: sample.source,
      presence: sample.presence,
      at_ms: sample.at_ms,
      at_mono_ms: sample.at_mono_ms,
      util_permille: fast.util_permille,
      sm_activity_permille: fast.sm_activity_permille,
      mem_util_permille: fast.mem_util_permille,
      fb_used_mib: fast.fb_used_mib,
      power_mw: fast.power_mw,
      temp_mc: fast.temp_mc,
      sm_clock_mhz: fast.sm_clock_mhz,
      pcie_gen: fast.pcie_gen,
      pcie_width: fast.pcie_width,
      energy_mj: fast.energy_mj,
      throttle: fast.throttle,
      sram_uncorrectable: health.ecc_volatile?.sram_uncorrectable ?? null,
      dram_uncorrectable: health.ecc_volatile?.dram_uncorrectable ?? null,
      remap_pending: health.remapped_rows?.pending ?? null,
      remap_failure: health.remapped_rows?.failure ?? null,
      recovery_action: health.recovery_action,
      xids: sample.xids.map(({ xid }) => xid),
    }),
  );
}
