import type { TelemetryBody, XidEvent, XidSeverity } from "../../protocol/report/schema.js";

/**
 * The Xid of a window that makes a GPU impaired; null when there is none. A loss that `presence` tells already is not
 * told a second time.
 */
export function impairingXid({ xids, presence }: TelemetryBody): XidEvent | null {
  const isAway = presence === "lost" || presence === "missing";
  return (
    (isAway ? undefined : xids.find(({ severity }) => severity === "lost")) ??
    xids.find(({ severity }) => severity === "impaired") ??
    null
  );
}

/** The Xid of a window that is to be watched; null when there is none. */
export function watchedXid({ xids }: TelemetryBody): XidEvent | null {
  return xids.find(({ severity }) => severity === "watch") ?? null;
}

/** What an event says of an Xid, at most 200 characters. */
export function xidText({ xid, resolution, severity, rules, count, source, detail }: XidEvent): string {
  const what = xid === null ? "fell off the bus without an Xid" : `Xid ${xid}`;
  const times = count === 1 ? "once" : `${count} times`;
  const text = `${what}, ${times} by ${source}; NVIDIA: ${resolution ?? "no resolution"}; ${severity} by rules ${rules}`;
  return `${text}${detail === null ? "" : `; ${detail}`}`.slice(0, 200);
}

const ranks = { lost: 3, impaired: 2, watch: 1, info: 0 } as const satisfies Record<XidSeverity, number>;

/** The gravest of some Xids, of equals the first. */
export function worstXid(xids: readonly XidEvent[]): XidEvent {
  return xids.reduce((worst, one) => (ranks[one.severity] > ranks[worst.severity] ? one : worst));
}
