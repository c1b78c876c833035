import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildNvmlWorker } from "../../../test/nvml/buildNvmlWorker.js";
import { fakeGpu, fakeUuid } from "../../../test/nvml/fakeGpu.js";
import { createFakeHost, type FakeHost, hasCompiler } from "../../../test/nvml/fakeHost.js";
import { compileToDist } from "../../../test/support/compileToDist.js";

let host: FakeHost;
let program: string;

/** Runs a process that reads a library whose call never returns; the code runs once that shows. */
async function run(
  code: string,
): Promise<{ code: number | null; signal: string | null; took_ms: number; out: string }> {
  const script = `
    import { createNvmlSource } from ${JSON.stringify(program)};
    const clock = { now_ms: () => Date.now(), mono_ms: () => Math.round(performance.now()) };
    const source = createNvmlSource({
      library: ${JSON.stringify(host.library)}, known: [${JSON.stringify(fakeUuid(0))}],
      interval_ms: 40, timeout_ms: 100, clock,
    });
    process.on("SIGTERM", () => process.exit(143));
    let hung = false;
    await source.start({
      onInventory: () => undefined,
      onProblem: () => undefined,
      onSamples: ([sample]) => {
        if (hung || sample.presence !== "probe_timeout") return;
        hung = true;
        console.log("hung");
        void (async () => { ${code} })();
      },
    });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
    // What keeps it alive must not outlive the test.
    timeout: 10_000,
    killSignal: "SIGKILL",
  });
  let out = "";
  let hungAt = 0;
  child.stdout.on("data", (chunk) => {
    out += chunk;
    hungAt ||= performance.now();
  });
  return new Promise((resolve) => {
    child.on("exit", (exit, signal) =>
      resolve({ code: exit, signal, took_ms: performance.now() - hungAt, out }),
    );
  });
}

describe.skipIf(!hasCompiler())("a process whose NVML call never returns", { timeout: 20_000 }, () => {
  beforeAll(() => {
    buildNvmlWorker();
    program = compileToDist("agent/sources/nvml/createNvmlSource", ["agent/sources", "protocol"]);
    host = createFakeHost();
    host.write({ gpus: [fakeGpu(0)], machine: ["hang nvmlDeviceGetCount_v2"] });
  }, 60_000);
  afterAll(() => host.remove());

  it.each([
    ["process.exit after stop", "await source.stop(); process.exit(3);", 3],
    ["process.exit without stop", "process.exit(4);", 4],
    ["nothing left to do after stop", "await source.stop(); process.exitCode = 5;", 5],
    ["an uncaught error", "setTimeout(() => { process.stderr.destroy(); throw new Error('x'); });", 1],
    ["a handled signal", "process.kill(process.pid, 'SIGTERM');", 143],
  ])("ends within two seconds by %s, with the code meant", async (_, code, expected) => {
    const ended = await run(code);
    expect(ended).toMatchObject({ code: expected, signal: null, out: "hung\n" });
    expect(ended.took_ms).toBeLessThan(2000);
  });
});
