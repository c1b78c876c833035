import type { CsvRow } from "./parseCsvRow.js";

/** One pass of the stream over the GPUs, by UUID. */
export type Round = ReadonlyMap<string, CsvRow>;

/**
 * Groups the stream's lines into rounds; the stream itself marks no boundary. A round is whole as soon as every GPU of
 * the round before has answered; a GPU that answers twice ends the round without those still missing. So a healthy
 * round is handed on with its last line, and a vanished GPU shows one interval later.
 */
export function createRounds(): {
  push(uuid: string, row: CsvRow): Round[];
  reset(expected: readonly string[]): void;
} {
  let expected: ReadonlySet<string> = new Set();
  let current = new Map<string, CsvRow>();

  function take(): Round {
    const round = current;
    expected = new Set(round.keys());
    current = new Map();
    return round;
  }

  return {
    /** Rounds that this row completes: none, one, or two. */
    push(uuid, row) {
      const whole: Round[] = [];
      if (current.has(uuid)) whole.push(take());
      current.set(uuid, row);
      if (expected.size > 0 && [...expected].every((known) => current.has(known))) whole.push(take());
      return whole;
    },
    /** A new process starts a new round, of the GPUs it was asked for. What was half read is dropped. */
    reset(uuids) {
      current = new Map();
      expected = new Set(uuids);
    },
  };
}
