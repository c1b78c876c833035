import type { Report } from "../../protocol/report/schema.js";

export type Span = Report["window"];

/**
 * Puts a window behind the chain's last one. The wall clock may have been set back: then the window shrinks, to
 * nothing if need be, but never overlaps, and the monotonic times say how long it really was.
 */
export function placeWindow(after_ms: number | null, span: Span): Span {
  const start_ms = Math.max(span.start_ms, after_ms ?? 0);
  return { ...span, start_ms, end_ms: Math.max(span.end_ms, start_ms) };
}
