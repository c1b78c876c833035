import type { InventoryBody } from "../../protocol/report/schema.js";
import type { Check } from "./check.js";
import { findings } from "./findings.js";

/** Does the driver stay loaded between readings? Without persistence mode each reading may wait for it, and counters go back. */
export function checkPersistence(read: () => Promise<readonly InventoryBody[]>): Check {
  const fix = "Run `systemctl enable --now nvidia-persistenced`, or `nvidia-smi -pm 1` as root.";
  const mend = "Mend what is said of gpus here first.";
  return {
    id: "persistence",
    async run() {
      const gpus = await read();
      const off = gpus.filter(({ persistence_enabled }) => persistence_enabled === false);
      const silent = gpus.filter(({ persistence_enabled }) => persistence_enabled === null);
      if (off.length > 0) {
        return findings.warn(`Persistence mode is off on ${off.length} of ${gpus.length} GPUs.`, fix);
      }
      if (gpus.length === 0) {
        return findings.unknown("Whether persistence mode is on cannot be told: no GPU could be read.", mend);
      }
      if (silent.length > 0) {
        return findings.unknown("Whether persistence mode is on cannot be told: not every GPU says so.", fix);
      }
      return findings.ok(
        `Persistence mode is on on ${gpus.length === 1 ? "the GPU" : `all ${gpus.length} GPUs`}.`,
      );
    },
  };
}
