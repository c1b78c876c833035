import { describe, expect, it } from "vitest";
import type { CsvRow } from "./parseCsvRow.js";
import { createRounds } from "./rounds.js";

/** Feeds a sequence of GPU names and gives the rounds as strings. */
function roundsOf(sequence: string, expected = ""): string[] {
  const rounds = createRounds();
  rounds.reset([...expected]);
  return [...sequence].flatMap((gpu) =>
    rounds.push(gpu, {} as CsvRow).map((round) => [...round.keys()].join("")),
  );
}

describe("rounds", () => {
  it("a round is whole with its last GPU", () => {
    expect(roundsOf("abcabc", "abc")).toEqual(["abc", "abc"]);
  });
  it("without knowledge, the first repetition ends a round", () => {
    expect(roundsOf("abcabc")).toEqual(["abc", "abc"]);
  });
  it("a GPU that vanishes shows with the next round, then no longer delays", () => {
    expect(roundsOf("abcabababab", "abc")).toEqual(["abc", "ab", "ab", "ab", "ab"]);
  });
  it("a GPU that returns is in every round from then on", () => {
    expect(roundsOf("ababcabcabc", "ab")).toEqual(["ab", "ab", "cab", "cab"]);
    expect(roundsOf("abacbacbacb", "ab")).toEqual(["ab", "acb", "acb", "acb"]);
  });
  it("one GPU", () => expect(roundsOf("aaa", "a")).toEqual(["a", "a", "a"]));
});
