import type { OneReading } from "../scan/readOnce.js";
import type { Check } from "./check.js";
import { findings } from "./findings.js";

/** Do the GPUs answer to the source that the agent would use, and are they all well enough to be read? */
export function checkGpus(read: () => Promise<OneReading>): Check {
  return {
    id: "gpus",
    async run() {
      const { source, inventory, samples, problems } = await read();
      const why = problems.map(({ message, details }) =>
        details === undefined ? message : `${message}: ${details}`,
      );
      if (inventory.length === 0) {
        return findings.fail(
          `No GPU could be read through ${source}${why.length === 0 ? "" : ` (${why[0]})`}.`,
          "Mend what is said of driver, device-files, nvidia-smi and nvml here; then `nvidia-smi` must list the GPUs.",
        );
      }
      const away = samples.filter(({ presence }) => presence !== "present");
      if (away.length > 0 || samples.length === 0) {
        const named = away.map(({ uuid, presence }) => `${uuid} ${presence}`).join(", ");
        return findings.fail(
          `Not every GPU answers: ${named === "" ? "none gave a reading" : named}.`,
          "Look at `dmesg` for Xids and at `nvidia-smi -q` for the recovery action; a lost GPU needs a reset or a reboot.",
        );
      }
      const names = [...new Set(inventory.map(({ name }) => name ?? "unknown model"))].join(", ");
      const says = `${source} reads ${inventory.length === 1 ? "one GPU" : `${inventory.length} GPUs`} (${names})`;
      if (why.length > 0)
        return findings.warn(`${says}, with a problem: ${why[0]}.`, "Look whether it lasts.");
      return findings.ok(`${says}.`);
    },
  };
}
