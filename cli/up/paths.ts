import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The package's own directory, whether this file runs as built or as written. */
const root = packageRoot(dirname(fileURLToPath(import.meta.url)));

/** What `caliber up` starts and reads: the built binary, the simulator, and the scenario that a plain start plays. */
export const paths = {
  caliber: join(root, "dist", "cli", "caliber.js"),
  simulator: join(root, "test", "simulator", "nvidia-smi"),
  scenario: join(root, "fixtures", "scenarios", "default.json"),
};

function packageRoot(from: string): string {
  return existsSync(join(from, "package.json")) ? from : packageRoot(dirname(from));
}
