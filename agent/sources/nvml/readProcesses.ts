import type { Probe } from "./createProbe.js";
import { nvmlCodes } from "./nvmlCodes.js";

/** nvmlProcessInfo_t, alike in versions 2 and 3: pid, memory, GPU instance, compute instance. */
const infoBytes = 24;
const most = 1024;

/**
 * How many processes use the GPU, for computing or graphics; one that does both counts once. Null unless both lists were
 * to be had; a GPU that supports no graphics has none of the second.
 */
export function readProcesses(probe: Probe, device: bigint): number | null {
  const pids = new Set<number>();
  const compute = collect(probe, device, "Compute", pids);
  const graphics = collect(probe, device, "Graphics", pids) ?? (isUnsupported(probe) ? 0 : null);
  if (compute === null || graphics === null) return null;
  return Math.min(65_535, Math.max(pids.size, compute, graphics));
}

const isUnsupported = (probe: Probe) => probe.lastCode() === nvmlCodes.notSupported;

/** Adds the list's pids. Returns how many there are when they are more than fit, else 0; null when it was not told. */
function collect(
  probe: Probe,
  device: bigint,
  kind: "Compute" | "Graphics",
  pids: Set<number>,
): number | null {
  const { view, out, extra, extraAt } = probe;
  const ask = (version: "v3" | "v2") => {
    view.setUint32(extraAt(0), most, true);
    return probe.get(`nvmlDeviceGet${kind}RunningProcesses_${version}`, device, extra(0), out);
  };
  const told = ask("v3") || (probe.lastCode() === nvmlCodes.functionNotFound && ask("v2"));
  const count = probe.u32(extraAt(0));
  if (!told) return probe.lastCode() === nvmlCodes.insufficientSize ? count : null;
  if (count === null || count > most) return null;
  for (let at = 0; at < count; at++) pids.add(view.getUint32(at * infoBytes, true));
  return 0;
}
