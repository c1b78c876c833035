import type { NvmlDetection } from "../sources/nvml/detectNvml.js";
import type { Check } from "./check.js";
import { findings } from "./findings.js";

/** Can NVML be called? It spares a child process, and gives readings that nvidia-smi does not. */
export function checkNvml(detect: () => Promise<NvmlDetection>): Check {
  return {
    id: "nvml",
    async run() {
      const found = await detect();
      if (found.found)
        return findings.ok(`NVML shows ${found.gpus === 1 ? "one GPU" : `${found.gpus} GPUs`}.`);
      const fix =
        found.code === "NVML_NOT_FOUND"
          ? "Install the driver's library (libnvidia-ml.so.1), or name it with --nvml PATH."
          : "Mend what NVML says; `nvidia-smi` uses the same library and says more.";
      return findings.warn(`NVML cannot be used: ${found.reason}.`, fix);
    },
  };
}
