import { hash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { CaliberError } from "../../protocol/errors.js";
import {
  syntheticDevice,
  syntheticNonce,
  syntheticNow_ms,
} from "../../protocol/evidence/testing/syntheticDevice.js";
import { verifyEvidence } from "../../protocol/evidence/verifyEvidence.js";
import { fakeGpu, fakeUuid } from "../../test/nvml/fakeGpu.js";
import { createFakeHost, type FakeHost, hasCompiler } from "../../test/nvml/fakeHost.js";
import { compileToDist } from "../../test/support/compileToDist.js";
import { createNvmlEvidence } from "./createNvmlEvidence.js";
import { firstCollector } from "./firstCollector.js";

const gpu = { uuid: fakeUuid(0), index: 0, pdi: null };
const nonce = syntheticNonce.toString("hex");
const never = new AbortController().signal;

describe.skipIf(!hasCompiler())("evidence through NVML", { timeout: 60_000 }, () => {
  const device = syntheticDevice();
  let host: FakeHost;
  let old: FakeHost;
  let directory: string;
  let evidence: string;
  beforeAll(() => {
    compileToDist("agent/evidence/nvmlEvidenceWorker", ["agent/evidence", "agent/sources/nvml"]);
    host = createFakeHost();
    old = createFakeHost(true);
    directory = mkdtempSync(join(tmpdir(), "caliber-nvml-evidence-"));
    evidence = join(directory, "gpu");
    writeFileSync(`${evidence}.pem`, device.chain);
    writeFileSync(`${evidence}.${nonce}`, device.report());
  }, 60_000);
  afterAll(() => {
    host.remove();
    old.remove();
    rmSync(directory, { recursive: true });
  });
  const write = (over: Record<string, string | number> = {}, machine: string[] = []): void =>
    host.write({ gpus: [fakeGpu(0, over)], machine });
  // A thread that hangs in one test must not outlive it.
  afterEach(() => write());
  const collector = (timeout_ms = 10_000) => createNvmlEvidence({ library: host.library, timeout_ms });

  it("is what the GPU signed over this nonce, and verifies", async () => {
    write({ evidence });
    const collected = await collector().collect(nonce, gpu, never);
    expect(collected.collector).toBe("nvml");
    expect(collected.report).toHaveLength(device.report().length);
    expect(collected.chain).toBe(device.chain);
    verifyEvidence(collected, {
      nonce,
      kind: "gpu",
      now_ms: syntheticNow_ms,
      root_sha256: device.root_sha256,
    });
  });

  it("is asked anew for each nonce", async () => {
    write({ evidence });
    const nvml = collector();
    const other = hash("sha256", "another nonce", "buffer");
    writeFileSync(`${evidence}.${other.toString("hex")}`, device.report({ nonce: other }));
    await nvml.collect(nonce, gpu, never);
    const { report, chain } = await nvml.collect(other.toString("hex"), gpu, never);
    const expected = { kind: "gpu", now_ms: syntheticNow_ms, root_sha256: device.root_sha256 } as const;
    verifyEvidence({ report, chain }, { ...expected, nonce: other.toString("hex") });
    expect(() => verifyEvidence({ report, chain }, { ...expected, nonce })).toThrow();
  });

  it.each([
    ["a GPU that has none", {}, [], "COLLECTOR_UNSUPPORTED"],
    ["a GPU without certificates", { evidence: "!3" }, [], "COLLECTOR_UNSUPPORTED"],
    ["a lost GPU", { evidence: "!15" }, [], "COLLECTOR_FAILED"],
    ["a driver that is not loaded", {}, ["init 9"], "COLLECTOR_FAILED"],
    ["a report longer than its place", { evidence: "FILE" }, ["evidence_size 8193"], "COLLECTOR_FAILED"],
    ["a report of 4 GiB", { evidence: "FILE" }, ["evidence_size 4294967295"], "COLLECTOR_FAILED"],
    [
      "chains alone refused",
      { evidence: "FILE" },
      ["code nvmlDeviceGetConfComputeGpuCertificate 3"],
      "COLLECTOR_UNSUPPORTED",
    ],
  ])("%s: no evidence", async (_, over: { evidence?: string }, machine, code) => {
    write(over.evidence === "FILE" ? { evidence } : over, machine);
    await expect(collector().collect(nonce, gpu, never)).rejects.toMatchObject({ code });
  });

  it("a library that lacks the functions, or is not there: no evidence", async () => {
    old.write({ gpus: [fakeGpu(0)] });
    const lacking = createNvmlEvidence({ library: old.library });
    await expect(lacking.collect(nonce, gpu, never)).rejects.toMatchObject({ code: "COLLECTOR_UNSUPPORTED" });
    const absent = createNvmlEvidence({ library: join(directory, "libnone.so") });
    await expect(absent.collect(nonce, gpu, never)).rejects.toMatchObject({ code: "COLLECTOR_MISSING" });
  });

  it("a GPU of another name: no evidence", async () => {
    write({ evidence });
    const stranger = { ...gpu, uuid: fakeUuid(7) };
    await expect(collector().collect(nonce, stranger, never)).rejects.toMatchObject({
      code: "COLLECTOR_FAILED",
    });
  });

  it("a call that hangs costs its answer; the next one is asked once it has come back", async () => {
    write({ evidence }, ["hang nvmlDeviceGetConfComputeGpuAttestationReport"]);
    const nvml = collector(300);
    await expect(nvml.collect(nonce, gpu, never)).rejects.toMatchObject({ code: "COLLECTOR_TIMEOUT" });
    const asked = performance.now();
    await expect(nvml.collect(nonce, gpu, never)).rejects.toMatchObject({ code: "COLLECTOR_TIMEOUT" });
    expect(performance.now() - asked).toBeLessThan(250);
    write({ evidence });
    const again = async (): Promise<string> => {
      try {
        return (await nvml.collect(nonce, gpu, never)).collector;
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    await expect.poll(again, { timeout: 20_000, interval: 100 }).toBe("nvml");
  });

  it("an agent that stops does not wait for it", async () => {
    write({ evidence }, ["hang nvmlDeviceGetConfComputeGpuCertificate"]);
    const stop = new AbortController();
    const asked = collector().collect(nonce, gpu, stop.signal);
    setTimeout(() => stop.abort(), 200);
    await expect(asked).rejects.toMatchObject({ code: "COLLECTOR_FAILED" });
  });
});

describe("firstCollector", () => {
  const fails = (code: string) => ({ collect: () => Promise.reject(new CaliberError(code, code)) });
  const good = {
    collect: async () => ({ report: Buffer.of(1), chain: "", collector: "nvattest" }) as const,
  };

  it("asks no other when a GPU failed or did not answer in time", async () => {
    for (const code of ["COLLECTOR_FAILED", "COLLECTOR_TIMEOUT"])
      await expect(firstCollector([fails(code), good]).collect(nonce, gpu, never)).rejects.toMatchObject({
        code,
      });
  });

  it("goes on where there is no way, and says why when none is left", async () => {
    const [absent, unable] = [fails("COLLECTOR_MISSING"), fails("COLLECTOR_UNSUPPORTED")];
    await expect(firstCollector([unable, absent, good]).collect(nonce, gpu, never)).resolves.toMatchObject({
      collector: "nvattest",
    });
    await expect(firstCollector([absent, unable]).collect(nonce, gpu, never)).rejects.toMatchObject({
      code: "COLLECTOR_UNSUPPORTED",
      message: "COLLECTOR_MISSING; COLLECTOR_UNSUPPORTED",
    });
  });
});
