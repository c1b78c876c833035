import type { Identity } from "../enrol/identity.js";
import type { HostFiles } from "../hostFacts/hostFiles.js";
import type { ClockFacts } from "./checkClock.js";
import { clockSynchronized } from "./clockSynchronized.js";
import { registryOffset } from "./registryOffset.js";
import { runTool } from "./runTool.js";

/** What this system says of its clock, and how it compares with the registry's where there is one. */
export async function clockFacts(files: HostFiles, identity: Identity | null): Promise<ClockFacts> {
  const [synchronized, offset] = await Promise.all([
    clockSynchronized(runTool, files),
    identity === null ? null : registryOffset(identity.enrol_url, identity.ca, Date.now),
  ]);
  return { synchronized, offset };
}
