import type { Supplement } from "./supplement.js";

/**
 * A supplement that nobody asked for by name: that it is not there is no problem, until it has been. Then its absence is
 * told like any other.
 *
 * @param absent code of the problem that says that it is not there.
 */
export function quietUntilReached(supplement: Supplement, absent: string): Supplement {
  let reached = false;
  return {
    name: supplement.name,
    start: (listener) =>
      supplement.start({
        onReadings(readings) {
          reached = true;
          listener.onReadings(readings);
        },
        onXid: listener.onXid,
        onProblem(error) {
          if (reached || error.code !== absent) listener.onProblem(error);
        },
      }),
    stop: supplement.stop,
  };
}
