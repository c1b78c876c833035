import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { smiHarness } from "./testing/smiHarness.js";

const known = "GPU-00000000-0000-0000-0000-00000000000a";
const harness = smiHarness();
const { simulator, dir, scenario, script, start } = harness;
afterAll(harness.remove);
afterEach(harness.stopAll);

describe("a program that misbehaves", { timeout: 30_000 }, () => {
  it("is absent: known GPUs read as timed out, and the code says why", async () => {
    const { until, problems } = await start({ path: join(dir, "none"), known: [known] });
    expect(problems[0]?.code).toBe("NVIDIA_SMI_NOT_FOUND");
    const sample = await until(() => true);
    expect(sample).toMatchObject({ uuid: known, presence: "probe_timeout" });
  });

  it.each([
    [2, "NVIDIA_SMI_BAD_ARGUMENT"],
    [3, "NVIDIA_SMI_NOT_SUPPORTED"],
    [4, "NVIDIA_SMI_NO_PERMISSION"],
    [6, "NVIDIA_SMI_NO_DEVICES"],
    [9, "NVIDIA_SMI_DRIVER_NOT_LOADED"],
    [12, "NVIDIA_SMI_NVML_MISSING"],
    [15, "NVIDIA_SMI_GPU_LOST"],
    [8, "NVIDIA_SMI_POWER_CABLE"],
    [10, "NVIDIA_SMI_INTERRUPT"],
    [13, "NVIDIA_SMI_NVML_TOO_OLD"],
    [16, "NVIDIA_SMI_RESET_REQUIRED"],
    [18, "NVIDIA_SMI_VERSION_MISMATCH"],
    [255, "NVIDIA_SMI_FAILED"],
  ])("exits with %d: %s", async (code, expected) => {
    const { problems } = await start({ path: script(`echo "it said so"\nexit ${code}`) });
    expect(problems[0]).toMatchObject({ code: expected, details: "it said so" });
  });

  it("a corrupted infoROM (14) is a warning: the document counts", async () => {
    const env = scenario([], 1);
    const path = script(`${simulator} "$@"
echo "WARNING: infoROM is corrupted at gpu 0000:18:00.0"
exit 14`);
    const { source, problems } = await start({ path, env });
    expect(source.inventory()).toHaveLength(1);
    expect(problems).toEqual([]);
  });

  it("says in words, as a success, that there is no GPU", async () => {
    const { problems } = await start({ path: script("echo 'No devices were found'") });
    expect(problems[0]?.code).toBe("NVIDIA_SMI_NO_DEVICES");
  });

  it("nests supported clocks wrongly: the same readings, told once", async () => {
    const env = scenario([], 2);
    const slip = `s,<supported_clocks>N/A,<supported_clocks><supported_mem_clock><value>1 MHz</value>,`;
    const path = script(
      `case "$*" in *-x*) ${simulator} "$@" | sed '${slip}';; *) exec ${simulator} "$@";; esac`,
    );
    const damaged = await start({ path, env, full_interval_ms: 300 });
    const whole = await start({ path: simulator, env });
    expect(damaged.source.inventory()).toEqual(whole.source.inventory());
    expect(damaged.source.inventory()).toHaveLength(2);
    for (let readings = 0; readings < 20; readings++) await damaged.until(() => true);
    const told = damaged.problems.filter(({ code }) => code !== "NVIDIA_SMI_SILENT");
    expect(told.map(({ code }) => code)).toEqual(["NVIDIA_SMI_XML_REPAIRED"]);
  });

  it("prints XML that is damaged where it matters: CSV gives identity and health instead", async () => {
    const env = scenario([{ at_s: 0, do: "ecc_uncorrectable" }], 2);
    const path = script(`case "$*" in *-x*) ${simulator} "$@" | sed 's,</utilization>,,';;
      *thresholdExceeded*) echo 'Field "ecc.errors.uncorrected.aggregate.sram.thresholdExceeded" is not a valid field to query.'; exit 2;;
      *) exec ${simulator} "$@";; esac`);
    const damaged = await start({ path, env });
    const whole = await start({ path: simulator, env });
    expect(damaged.problems).toMatchObject([{ code: "NVIDIA_SMI_XML_REPLACED", disposition: "retryable" }]);
    const notInCsv = {
      pdi: null,
      brand: null,
      architecture: null,
      board_part_number: null,
      gpu_part_number: null,
      cuda_version: null,
    };
    expect(damaged.source.inventory()).toEqual(
      whole.source.inventory().map((gpu) => ({ ...gpu, ...notInCsv })),
    );
    const { health } = await damaged.until(({ presence }) => presence === "present");
    const { health: all } = await whole.until(({ presence }) => presence === "present");
    expect(health).toEqual({ ...all, pcie_replays: null, processes: null, sram_threshold_exceeded: null });
    expect(health).toMatchObject({
      recovery_action: "drain_and_reset",
      ecc_aggregate: { dram_uncorrectable: 3 },
      remapped_rows: { pending: true },
      fabric: { state: "completed" },
    });
  });

  it("prints garbage for ever", async () => {
    const { problems, until } = await start({
      path: script("while :; do head -c 3000 /dev/urandom; sleep 0.05; done"),
      known: [known],
      timeout_ms: 500,
    });
    expect(problems[0]?.code).toMatch(/^NVIDIA_SMI_(XML_MALFORMED|TIMEOUT)$/);
    expect(await until(() => true)).toMatchObject({ presence: "probe_timeout" });
  });

  it("prints nothing and ignores SIGTERM", async () => {
    const path = script("trap '' TERM\nexec sleep 600");
    const began = Date.now();
    const { problems, source } = await start({ path, timeout_ms: 300 });
    expect(problems[0]?.code).toBe("NVIDIA_SMI_TIMEOUT");
    expect(Date.now() - began).toBeLessThan(3000);
    await source.stop();
  });

  it("is an old driver: fields that it refuses are asked for no more", async () => {
    const env = scenario([], 1);
    const path = script(`case "$*" in
      *gpu_recovery_action*) echo 'Field "gpu_recovery_action" is not a valid field to query.'; exit 2;;
      *clocks_throttle_reasons*) echo 'Field "clocks_throttle_reasons.active" is not a valid field to query.'; exit 2;;
      *) exec ${simulator} "$@";; esac`);
    const { until, problems } = await start({ path, env });
    const sample = await until(({ presence }) => presence === "present");
    expect(sample.fast.throttle).toEqual([]);
    // From the full reading, which needs no field names.
    expect(sample.health.recovery_action).toBe("none");
    expect(problems).toEqual([]);
  });

  it("gets a small environment, with a way to find its interpreter", async () => {
    const file = join(dir, "env");
    process.env.CALIBER_TEST_SECRET = "do not pass on";
    await start({ path: script(`env >> ${file}\nexit 9`), env: { EXTRA: "1" } });
    delete process.env.CALIBER_TEST_SECRET;
    const seen = readFileSync(file, "utf8");
    expect(seen).toContain("PATH=");
    expect(seen).toContain("EXTRA=1");
    expect(seen).not.toContain("CALIBER_TEST_SECRET");
    expect(seen).not.toContain("HOME=");
  });
});
