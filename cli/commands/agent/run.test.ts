import { describe, expect, it } from "vitest";
import { run } from "./run.js";

describe("run", () => {
  it("refuses a contract that it cannot read, before it starts", async () => {
    const args = ["--data-dir", "/nowhere", "--accept-contract", "0x1"];
    await expect(run(args, { out: () => undefined, err: () => undefined })).rejects.toMatchObject({
      code: "TITLE_CONTRACT_MALFORMED",
    });
  });

  it("takes a token's number only with the contract whose it is", async () => {
    const args = ["--data-dir", "/nowhere", "--accept-replacement", "7"];
    await expect(run(args, { out: () => undefined, err: () => undefined })).rejects.toMatchObject({
      code: "OPTION_MISSING",
      message: expect.stringContaining("--accept-contract"),
    });
  });
});
