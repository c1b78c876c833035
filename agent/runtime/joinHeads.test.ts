import { describe, expect, it } from "vitest";
import { joinHeads } from "./joinHeads.js";

const at = (seq: number, statement: string, window_end_ms = seq * 100) => ({ seq, statement, window_end_ms });

describe("joinHeads", () => {
  it.each([
    ["neither knows the chain", null, null, null, { head: null, lost: false }],
    ["only the agent does", at(4, "a"), null, null, { head: at(4, "a"), lost: false }],
    ["only the registry does", null, at(4, "a"), null, { head: at(4, "a"), lost: true }],
    ["both stand at one report", at(4, "a"), at(4, "a"), "a", { head: at(4, "a"), lost: false }],
    ["the agent is ahead", at(7, "b"), at(4, "a"), "a", { head: at(7, "b"), lost: false }],
    ["it is, and has let the older one go", at(7, "b"), at(4, "a"), null, { head: at(7, "b"), lost: false }],
    ["the spool's tail was cut off", at(4, "a"), at(7, "b"), null, { head: at(7, "b"), lost: true }],
    ["both signed another report there", at(4, "x"), at(4, "a"), "x", { head: at(4, "a"), lost: true }],
    [
      "the agent went on from a fork: no seq is signed twice",
      at(7, "y"),
      at(4, "a"),
      "x",
      { head: { seq: 7, statement: "a", window_end_ms: 700 }, lost: true },
    ],
    [
      "windows never go back behind either",
      at(4, "a", 900),
      at(7, "b"),
      null,
      { head: at(7, "b", 900), lost: true },
    ],
  ])("%s", (_name, local, registry, own, expected) => {
    expect(joinHeads(local, registry, own)).toEqual(expected);
  });
});
