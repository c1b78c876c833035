import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * For tests: compiles the simulator into dist/ when its sources are newer, and returns the path of the executable. Files
 * are moved into place whole, so that test files which run at the same time never start half of one.
 */
export function buildSimulator(): string {
  const sources = join(root, "test/simulator");
  const names = readdirSync(sources).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
  const pairs = [
    ...names.map((name) => [join(sources, name), join(root, "dist/test/simulator", name)] as const),
    [join(root, "protocol/errors.ts"), join(root, "dist/protocol/errors.ts")] as const,
  ].map(([from, to]) => [from, to.replace(/\.ts$/, ".js")] as const);
  const fresh = pairs.every(([from, to]) => existsSync(to) && statSync(to).mtimeMs >= statSync(from).mtimeMs);
  if (!fresh) compile(pairs.map(([, to]) => to));
  return join(sources, "nvidia-smi");
}

function compile(outputs: readonly string[]): void {
  const scratch = mkdtempSync(join(tmpdir(), "caliber-simulator-"));
  try {
    const config = {
      extends: join(root, "tsconfig.build.json"),
      compilerOptions: {
        rootDir: root,
        outDir: scratch,
        sourceMap: false,
        typeRoots: [join(root, "node_modules/@types")],
      },
      include: [join(root, "test/simulator/*.ts")],
      exclude: [join(root, "**/*.test.ts")],
    };
    writeFileSync(join(scratch, "tsconfig.json"), JSON.stringify(config));
    execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", join(scratch, "tsconfig.json")], {
      stdio: "pipe",
    });
    for (const output of outputs) {
      mkdirSync(dirname(output), { recursive: true });
      const compiled = join(scratch, output.slice(join(root, "dist").length));
      const beside = `${output}.${process.pid}`;
      copyFileSync(compiled, beside);
      renameSync(beside, output);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
