import type { Detection } from "../sources/nvidiaSmi/detect.js";
import type { Check } from "./check.js";
import { findings } from "./findings.js";

/** Does nvidia-smi work? The agent needs it where NVML cannot be called, and falls back to it. */
export function checkNvidiaSmi(detect: () => Promise<Detection>): Check {
  return {
    id: "nvidia-smi",
    async run() {
      const found = await detect();
      if (found.found)
        return findings.ok(`nvidia-smi lists ${found.gpus === 1 ? "one GPU" : `${found.gpus} GPUs`}.`);
      const fix =
        found.code === "NVIDIA_SMI_NOT_FOUND"
          ? "Install the driver's utilities (nvidia-utils), or name the program with --nvidia-smi PATH."
          : "Run `nvidia-smi` by hand as this user, and mend what it says.";
      return findings.warn(`nvidia-smi cannot be used: ${found.reason}.`, fix);
    },
  };
}
