import type { SupplementName } from "../../protocol/report/schema.js";
import { noReading } from "./noReading.js";
import type { SuppliedReading } from "./supplement.js";
import type { GpuSample, ReadingField } from "./telemetrySource.js";

/**
 * The sample with the readings that its source left null and another has, each named in `supplied`. A GPU that gave no
 * reading gets none from elsewhere: what DCGM still remembers of it does not make it answer.
 */
export function fillSample(
  sample: GpuSample,
  supplied: readonly { source: SupplementName; reading: SuppliedReading }[],
): GpuSample {
  if (sample.presence !== "present") return sample;
  const fast: Record<string, unknown> = { ...sample.fast };
  const health: Record<string, unknown> = { ...sample.health };
  const named = [...sample.supplied];
  for (const { source, reading } of supplied) {
    if (sample.at_mono_ms >= reading.until_mono_ms) continue;
    const fields: ReadingField[] = [];
    for (const [field, value] of Object.entries(reading.values)) {
      const part = field in noReading.fast ? fast : health;
      if (value === null || value === undefined || part[field] !== null) continue;
      part[field] = value;
      fields.push(field as ReadingField);
    }
    if (fields.length > 0) named.push({ source, fields: fields.sort() });
  }
  if (named.length === sample.supplied.length) return sample;
  return {
    ...sample,
    fast: fast as GpuSample["fast"],
    health: health as GpuSample["health"],
    supplied: named,
  };
}
