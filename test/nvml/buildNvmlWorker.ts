import { compileToDist } from "../support/compileToDist.js";

/** The thread that NVML is called on, compiled: Node starts none from TypeScript. */
export const buildNvmlWorker = (): string =>
  compileToDist("agent/sources/nvml/nvmlWorker", ["agent/sources/nvml", "agent/sources/nvidiaSmi"]);
