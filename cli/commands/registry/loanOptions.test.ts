import { describe, expect, it } from "vitest";
import { loanOptions } from "./loanOptions.js";

const all = {
  "rpc-url": ["http://127.0.0.1:8545"],
  "loan-router": `0x${"Ab".repeat(20)}`,
  "loan-timelock": `0x${"cd".repeat(20)}`,
  "loan-start": "7",
};

describe("the flags of loans", () => {
  it("are none, or all with the chain's", () => {
    expect(loanOptions({ "rpc-url": all["rpc-url"] })).toBeUndefined();
    expect(loanOptions(all)).toEqual({
      router: `0x${"ab".repeat(20)}`,
      timelock: `0x${"cd".repeat(20)}`,
      start_block: 7,
      poll_ms: 15_000,
    });
    for (const name of Object.keys(all)) {
      expect(() => loanOptions({ ...all, [name]: undefined }), name).toThrow(
        expect.objectContaining({ code: "OPTION_MISSING", message: expect.stringContaining(`--${name}`) }),
      );
    }
  });

  it("hold addresses and whole numbers", () => {
    for (const bad of [{ "loan-router": "0x12" }, { "loan-start": "-1" }, { "loan-poll": "1ms" }]) {
      expect(() => loanOptions({ ...all, ...bad })).toThrow(
        expect.objectContaining({ code: "OPTION_INVALID" }),
      );
    }
  });
});
