import { describe, expect, it } from "vitest";
import { checkTenure } from "./checkTenure.js";

describe("checkTenure", () => {
  it.each([
    [0, { first_seq: 0, last_seq: null }],
    [5, { first_seq: 5, last_seq: null }],
    [9, { first_seq: 5, last_seq: 9 }],
  ])("lets a key sign report %i of its own part %o", (seq, tenure) => {
    expect(() => checkTenure(seq, tenure)).not.toThrow();
  });

  it.each([
    [4, { first_seq: 5, last_seq: null }, "from report 5 on"],
    [10, { first_seq: 5, last_seq: 9 }, "ended with report 9"],
    [0, { first_seq: 1, last_seq: 1 }, "from report 1 on"],
  ])("refuses report %i under a key of %o", (seq, tenure, why) => {
    expect(() => checkTenure(seq, tenure)).toThrow(
      expect.objectContaining({ code: "KEY_NOT_IN_FORCE", message: expect.stringContaining(why) }),
    );
  });
});
