import { execFileSync } from "node:child_process";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FakeGpu } from "./fakeGpu.js";

/** What the fake library says; `machine` are lines of the whole machine, such as `hang nvmlDeviceGetPowerUsage`. */
export type FakeState = { gpus: readonly FakeGpu[]; machine?: readonly string[] };

export type FakeHost = {
  /** Path of a libnvidia-ml.so of this host's own. */
  library: string;
  /** Takes effect with the library's next call. */
  write(state: FakeState): void;
  remove(): void;
};

/** The compiler of TypeScript copies no C: from dist/ the source is asked of the tree that dist/ was made from. */
const source = fileURLToPath(
  new URL(
    import.meta.url.endsWith(".ts") ? "./fakeNvml.c" : "../../../test/nvml/fakeNvml.c",
    import.meta.url,
  ),
);
const compiler = process.env.CC ?? "cc";

/** False where no C compiler is: then these tests are skipped, except in CI. */
export function hasCompiler(): boolean {
  try {
    execFileSync(compiler, ["--version"], { stdio: "pipe" });
    return true;
  } catch {
    return process.env.CI === "true";
  }
}

/** Compiles the fake library, with `old` as a driver before R510 has it. */
export function createFakeHost(old = false): FakeHost {
  const dir = mkdtempSync(join(tmpdir(), "caliber-nvml-"));
  const [library, state] = [join(dir, "libnvidia-ml.so.1"), join(dir, "state")];
  const defines = [`-DFAKE_NVML_STATE="${state}"`, ...(old ? ["-DOLD_DRIVER"] : [])];
  execFileSync(
    compiler,
    ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", ...defines, "-o", library, source],
    { stdio: "pipe" },
  );
  const write = ({ gpus, machine = [] }: FakeState) => {
    const lines = [
      ...machine,
      // The first of several lines counts.
      "driver 580.95.05",
      "cuda 13000",
      ...gpus.flatMap((gpu) => ["gpu", ...Object.entries(gpu).map(([key, value]) => `${key} ${value}`)]),
    ];
    // Renamed into place: the library never reads half a file.
    writeFileSync(`${state}.next`, `${lines.join("\n")}\n`);
    renameSync(`${state}.next`, state);
  };
  write({ gpus: [] });
  return { library, write, remove: () => rmSync(dir, { recursive: true, force: true }) };
}
