import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { run } from "./dispute.js";

let data_dir: string;
beforeEach(() => {
  data_dir = mkdtempSync(join(tmpdir(), "caliber-dispute-"));
});
afterEach(() => rmSync(data_dir, { recursive: true }));

const io = { out: () => undefined, err: () => undefined };
const whole = () => ({
  "data-dir": data_dir,
  device: "00".repeat(32),
  outcome: "cleared",
  by: "A. Clerk",
  reason: "seen on site",
});
const argsOf = (change: Partial<Record<keyof ReturnType<typeof whole>, string>> = {}): string[] =>
  Object.entries({ ...whole(), ...change }).flatMap(([name, value]) => [`--${name}`, value]);

describe("registry dispute", () => {
  it("wants to be told what, how, by whom and why", async () => {
    await expect(run(argsOf(), io)).rejects.toMatchObject({ code: "OPTION_INVALID" });
    await expect(run(["decide", "--data-dir", data_dir], io)).rejects.toMatchObject({
      code: "OPTION_MISSING",
    });
    for (const change of [{ outcome: "forgotten" }, { by: "x".repeat(201) }, { reason: "x".repeat(201) }]) {
      await expect(run(["decide", ...argsOf(change)], io)).rejects.toMatchObject({ code: "OPTION_INVALID" });
    }
  });

  it("decides nothing of a device that is not on record", async () => {
    await expect(run(["decide", ...argsOf()], io)).rejects.toMatchObject({
      code: "DEVICE_UNKNOWN",
      disposition: "user",
    });
  });
});
