/** Intervals that one sample can stand for; time further back than that nobody looked. */
const maxHeldIntervals = 3;

/**
 * How many ms of the window each sample stands for: the time since the sample before it (since the window's start for
 * the first), and for the last also the time to the window's end; each of the two at most three intervals. The weights
 * never add up to more than the window. `at_mono_ms` must ascend and lie within the window.
 */
export function weigh(
  at_mono_ms: readonly number[],
  window: { start_mono_ms: number; end_mono_ms: number; interval_ms: number },
): number[] {
  const longest = maxHeldIntervals * window.interval_ms;
  let from = window.start_mono_ms;
  const weights = at_mono_ms.map((at) => {
    const weight = Math.min(at - from, longest);
    from = at;
    return weight;
  });
  const final = weights.length - 1;
  if (final >= 0) weights[final]! += Math.min(window.end_mono_ms - from, longest);
  return weights;
}
