import { describe, expect, it } from "vitest";
import { parseTitleContract } from "./parseTitleContract.js";

describe("parseTitleContract", () => {
  it("takes an address in any case", () => {
    expect(parseTitleContract(`31337:0x${"aB".repeat(20)}`)).toBe(`31337:0x${"ab".repeat(20)}`);
  });

  it.each([
    "",
    `0x${"ab".repeat(20)}`,
    `0:0x${"ab".repeat(20)}`,
    `01:0x${"ab".repeat(20)}`,
    `9007199254740993:0x${"ab".repeat(20)}`,
    `1:0x${"ab".repeat(19)}`,
    `1:0x${"ab".repeat(20)} `,
  ])("refuses %j", (text) => {
    expect(() => parseTitleContract(text)).toThrowError(
      expect.objectContaining({ code: "TITLE_CONTRACT_MALFORMED" }),
    );
  });
});
