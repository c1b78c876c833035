import type { SupplementName } from "../../protocol/report/schema.js";
import type { GpuSample, ReadingField } from "../sources/telemetrySource.js";

/** Which readings of the samples another source than their own gave, each source and field once, sorted. */
export function suppliedIn(
  samples: readonly GpuSample[],
): { source: SupplementName; fields: ReadingField[] }[] {
  const fields = new Map<SupplementName, Set<ReadingField>>();
  for (const { supplied } of samples) {
    for (const { source, fields: given } of supplied) {
      const known = fields.get(source) ?? new Set();
      for (const field of given) known.add(field);
      fields.set(source, known);
    }
  }
  return [...fields].sort().map(([source, names]) => ({ source, fields: [...names].sort() }));
}
