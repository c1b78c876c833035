/**
 * The worker's compiled program: beside this module in dist/, and there as well when this module runs as TypeScript
 * (vitest), since Node starts no thread from TypeScript.
 */
export const workerUrl: URL = import.meta.url.endsWith(".ts")
  ? new URL("../../../dist/agent/sources/nvml/nvmlWorker.js", import.meta.url)
  : new URL("./nvmlWorker.js", import.meta.url);
