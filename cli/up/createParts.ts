import { CaliberError } from "../../protocol/errors.js";
import { type Part, type PartOptions, startPart } from "./startPart.js";

export type Rank = "host" | "registry" | "chain";

export type Parts = {
  /** Starts a part, to be stopped with its rank. @throws CaliberError STOPPING once the end has begun. */
  start(rank: Rank, options: PartOptions, endsByItself?: boolean): Part;
  /** Kills a part that is meant to be away for a while. */
  cutPower(part: Part): Promise<void>;
  /**
   * Stops all: hosts first, so that their last reports still reach the registry, the chain last.
   *
   * @returns names of those that did not end by themselves in time.
   */
  stop(): Promise<string[]>;
};

/** All of it takes under three seconds. */
const total_ms = 2800;
/** What is left, whatever a rank does, to those that end after it; the chain has a file to write. */
const reserve_ms: Record<Rank, number> = { host: 1600, registry: 700, chain: 0 };

/**
 * The processes of `caliber up`. One that ends by itself, though it should not, is told to `onFailure`.
 */
export function createParts(onFailure: (error: unknown) => void): Parts {
  const running = new Map<Part, Rank>();
  let stopping = false;

  const watch = (part: Part, endsByItself: boolean): void => {
    part.ended.then(
      (code) => {
        const wasExpected = endsByItself || !running.has(part);
        running.delete(part);
        if (wasExpected || stopping) return;
        onFailure(
          new CaliberError("PART_FAILED", `${part.name} ended with code ${code}`, {
            details: `see ${part.log_file}`,
          }),
        );
      },
      (error: unknown) => {
        running.delete(part);
        onFailure(error);
      },
    );
  };

  return {
    start(rank, options, endsByItself = false) {
      if (stopping)
        throw new CaliberError("STOPPING", `${options.name} is not started: all is being stopped`);
      const part = startPart(options);
      running.set(part, rank);
      watch(part, endsByItself);
      return part;
    },
    async cutPower(part) {
      running.delete(part);
      await part.kill();
    },
    async stop() {
      stopping = true;
      const late: string[] = [];
      const end_ms = performance.now() + total_ms;
      for (const rank of ["host", "registry", "chain"] as const) {
        const parts = [...running].filter(([, at]) => at === rank).map(([part]) => part);
        const inTime = await Promise.all(
          parts.map((part) => part.stop(Math.max(1, end_ms - performance.now() - reserve_ms[rank]))),
        );
        late.push(...parts.filter((_, i) => !inTime[i]).map(({ name }) => name));
      }
      return late;
    },
  };
}
