import type { ChallengeEntry } from "../../protocol/log/entryBodies.js";
import type { DeviceFold } from "./deviceFold.js";
import type { FoldSink } from "./foldSink.js";

/** A challenge goes out. One that was still open is given up: its answer would prove no more than the new one's. */
export function applyChallenge(
  fold: DeviceFold,
  idx: number,
  { challenge, expires_ms }: ChallengeEntry,
  now_ms: number,
  sink: FoldSink,
): void {
  const heads = fold.head === null ? [] : [fold.head.statement];
  fold.challenge = { challenge, idx, issued_ms: now_ms, expires_ms, heads };
  fold.challenged_ms = now_ms;
  fold.challenge_wanted = false;
  sink.changed(fold);
}
