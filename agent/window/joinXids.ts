import type { XidEvent } from "../../protocol/report/schema.js";

/** Kinds of fault that one report can name. */
const maxKinds = 64;
const badness = { info: 0, watch: 1, impaired: 2, lost: 3 } as const;

/**
 * One entry for each kind of fault and source, with how often it was told: a storm of thousands is one line. Severity is
 * part of the kind: an Xid whose words decide (154, 144 to 150) must not hide behind a harmless one. The words kept are
 * those of its first telling. In the order in which they were first told; when there are too many, the worst stay.
 */
export function joinXids(told: readonly XidEvent[]): XidEvent[] {
  const kinds = new Map<string, XidEvent>();
  for (const event of told) {
    const kind = `${event.source}/${event.xid}/${event.severity}`;
    const before = kinds.get(kind);
    kinds.set(
      kind,
      before === undefined
        ? event
        : {
            ...before,
            first_ms: Math.min(before.first_ms, event.first_ms),
            last_ms: Math.max(before.last_ms, event.last_ms),
            count: Math.min(before.count + event.count, Number.MAX_SAFE_INTEGER),
          },
    );
  }
  const all = [...kinds.values()];
  if (all.length <= maxKinds) return all;
  const kept = new Set([...all].sort((a, b) => badness[b.severity] - badness[a.severity]).slice(0, maxKinds));
  return all.filter((event) => kept.has(event));
}
