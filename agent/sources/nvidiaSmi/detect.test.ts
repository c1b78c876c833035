import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { detect } from "./detect.js";
import { smiHarness } from "./testing/smiHarness.js";

const harness = smiHarness();
const { simulator, dir, scenario, script } = harness;
afterAll(harness.remove);
afterEach(harness.stopAll);

describe("detect", () => {
  it("finds the GPUs of a working one", async () => {
    expect(await detect({ path: simulator, env: scenario([], 8) }, { timeout_ms: 5000 })).toEqual({
      found: true,
      gpus: 8,
    });
  });
  it.each([
    ["no program", () => join(dir, "none"), "NVIDIA_SMI_NOT_FOUND"],
    ["no driver", () => script("echo 'cannot talk to the driver'; exit 9"), "NVIDIA_SMI_DRIVER_NOT_LOADED"],
    ["no GPU", () => script("echo 'No devices found.'; exit 0"), "NVIDIA_SMI_NO_DEVICES"],
    ["a hang", () => script("exec sleep 600"), "NVIDIA_SMI_TIMEOUT"],
  ])("%s", async (_name, path, code) => {
    const result = await detect({ path: path(), env: {} }, { timeout_ms: 500 });
    expect(result).toMatchObject({ found: false, code });
    if (!result.found) expect(result.reason).toMatch(/^[^\n]{5,300}$/);
  });
});
