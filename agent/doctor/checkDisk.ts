import type { Check } from "./check.js";
import { findings } from "./findings.js";

const mib = 1024 * 1024;
/** Reports and raw samples that the agent may keep while it is cut off (512 and 128 MiB), and room for its journal. */
const whole_bytes = 700 * mib;
const least_bytes = 64 * mib;

/** Is there room for the spool? `free_bytes` is what is free to this user, `spool_bytes` what the spool holds already. */
export function checkDisk(read: () => Promise<{ free_bytes: number; spool_bytes: number }>): Check {
  return {
    id: "disk",
    async run() {
      const { free_bytes, spool_bytes } = await read();
      const free = `${Math.floor(free_bytes / mib)} MiB are free for the data directory`;
      const fix = "Free some space, or put the data directory on a larger file system.";
      if (free_bytes < least_bytes)
        return findings.fail(`Only ${free}: the agent cannot sign without it.`, fix);
      if (free_bytes + spool_bytes < whole_bytes) {
        return findings.warn(`Only ${free}: less than seven days without a connection may need.`, fix);
      }
      return findings.ok(`${free}.`);
    },
  };
}
