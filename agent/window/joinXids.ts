import type { XidEvent } from "../../protocol/report/schema.js";

/** Kinds of fault that one report can name; the first ones told stay. */
const maxKinds = 64;

/**
 * One entry for each kind of fault and source, with how often it was told: a storm of thousands is one line. The words
 * kept are those of its first telling. In the order in which they were first told.
 */
export function joinXids(told: readonly XidEvent[]): XidEvent[] {
  const kinds = new Map<string, XidEvent>();
  for (const event of told) {
    const kind = `${event.source}/${event.xid}`;
    const before = kinds.get(kind);
    if (before === undefined) {
      if (kinds.size < maxKinds) kinds.set(kind, event);
      continue;
    }
    kinds.set(kind, {
      ...before,
      first_ms: Math.min(before.first_ms, event.first_ms),
      last_ms: Math.max(before.last_ms, event.last_ms),
      count: Math.min(before.count + event.count, Number.MAX_SAFE_INTEGER),
    });
  }
  return [...kinds.values()];
}
