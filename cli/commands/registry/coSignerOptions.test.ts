import { describe, expect, it } from "vitest";
import { coSignerOptions } from "./coSignerOptions.js";

const one = `0x${"a1".repeat(20)}`;
const other = `0x${"b2".repeat(20)}`;

describe("--co-signer", () => {
  it("pairs attestors with their signers, whose URL may hold a =", () => {
    expect(coSignerOptions([`${one}=https://a.example/?key=x=y`, `${other}=http://127.0.0.1:9000`])).toEqual([
      { attestor: one, url: "https://a.example/?key=x=y" },
      { attestor: other, url: "http://127.0.0.1:9000" },
    ]);
  });

  it.each([
    ["no pair", ["https://a.example/secret"]],
    ["no address", ["0x12=https://a.example/secret"]],
    [
      "an attestor twice",
      [`${one}=https://a.example/secret`, `${one.toUpperCase().replace("X", "x")}=https://b.example`],
    ],
    ["plain http beyond this machine", [`${one}=http://192.0.2.1/secret`]],
  ])("refuses %s, and shows no URL", (_, values) => {
    expect(() => coSignerOptions(values)).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID", message: expect.not.stringContaining("secret") }),
    );
  });
});
