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
 * For tests of what Node can run as JavaScript alone: compiles one program (`agent/sources/nvml/nvmlWorker`) with all it
 * imports into dist/, when a source below `sources` is newer than what is there. Files are moved into place whole, so
 * that test files which run at the same time never load half of one.
 *
 * @returns the path of the compiled program.
 */
export function compileToDist(entry: string, sources: readonly string[]): string {
  const compiled = join(root, "dist", `${entry}.js`);
  const built_ms = existsSync(compiled) ? statSync(compiled).mtimeMs : 0;
  const newer = sources.some((source) =>
    readdirSync(join(root, source), { recursive: true, encoding: "utf8" }).some(
      (name) => name.endsWith(".ts") && statSync(join(root, source, name)).mtimeMs > built_ms,
    ),
  );
  if (newer) compile(entry);
  return compiled;
}

function compile(entry: string): void {
  const scratch = mkdtempSync(join(tmpdir(), "caliber-compile-"));
  try {
    const config = {
      extends: join(root, "tsconfig.build.json"),
      compilerOptions: {
        rootDir: root,
        outDir: join(scratch, "out"),
        sourceMap: false,
        typeRoots: [join(root, "node_modules/@types")],
      },
      include: [],
      files: [join(root, `${entry}.ts`)],
    };
    writeFileSync(join(scratch, "tsconfig.json"), JSON.stringify(config));
    execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", join(scratch, "tsconfig.json")], {
      stdio: "pipe",
    });
    const outputs = readdirSync(join(scratch, "out"), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".js"))
      // The entry last: its time says that all of it is there.
      .sort((a, b) => Number(a.startsWith(entry)) - Number(b.startsWith(entry)));
    for (const output of outputs) {
      const to = join(root, "dist", output);
      mkdirSync(dirname(to), { recursive: true });
      copyFileSync(join(scratch, "out", output), `${to}.${process.pid}`);
      renameSync(`${to}.${process.pid}`, to);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
