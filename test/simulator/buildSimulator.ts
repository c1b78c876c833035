import { fileURLToPath } from "node:url";
import { compileToDist } from "../support/compileToDist.js";

/** For tests: the simulator's executable, compiled when its sources are newer than what is in dist/. */
export function buildSimulator(): string {
  compileToDist("test/simulator/nvidiaSmi", ["test/simulator"]);
  return fileURLToPath(new URL("./nvidia-smi", import.meta.url));
}
