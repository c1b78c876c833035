import { readFileSync } from "node:fs";

/** The kernel's id of this boot of the machine, or null on a system that has none. */
export function machineBoot(): string | null {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
