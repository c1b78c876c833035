import type { HostFiles } from "../hostFacts/hostFiles.js";
import type { RunTool } from "./runTool.js";

/** What the system says of its clock: the kernel's own flag through timedatectl, else systemd-timesyncd's mark; null when neither tells. */
export async function clockSynchronized(run: RunTool, files: HostFiles): Promise<boolean | null> {
  const told = await run("timedatectl", ["show", "--property=NTPSynchronized", "--value"]);
  const word = told?.code === 0 ? told.output.trim() : "";
  if (word === "yes" || word === "no") return word === "yes";
  return files.exists("/run/systemd/timesync/synchronized") ? true : null;
}
