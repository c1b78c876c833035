import type { GpuName } from "../supplement.js";
import { parseXidLine } from "./parseXidLine.js";

/** One telling of a fault, as the log has it. */
export type Fault = { gpu: GpuName; xid: number | null; detail: string | null };

/** Lines of the log after which a message's first line is forgotten: others' may come in between. */
const maxLinesBetween = 16;
/** A log that makes up ever new addresses must not fill the memory. */
const maxNames = 256;

/**
 * Reads faults line by line. Keeps what a line alone does not say: the GPU that a message over three lines began with,
 * and which UUID the driver gave an address last.
 */
export function createFaultReader(): (line: string) => Fault | null {
  const names = new Map<string, string>();
  let about: { bus_id: string; lines: number } | null = null;
  const named = (gpu: GpuName): GpuName => ({
    ...gpu,
    uuid: gpu.uuid ?? (gpu.bus_id === null ? null : (names.get(gpu.bus_id) ?? null)),
  });

  return (line) => {
    if (about !== null && ++about.lines > maxLinesBetween) about = null;
    // Nearly every line of a kernel's log ends here.
    if (!line.includes("NVRM: ")) return null;
    const read = parseXidLine(line);
    switch (read?.kind) {
      case "fault":
        return { gpu: named(read.gpu), xid: read.xid, detail: read.detail };
      case "name":
        if (names.size < maxNames || names.has(read.bus_id)) names.set(read.bus_id, read.uuid);
        return null;
      case "about":
        about = { bus_id: read.bus_id, lines: 0 };
        return null;
      case "fallen": {
        const { bus_id } = about ?? { bus_id: null };
        about = null;
        const detail = "GPU has fallen off the bus";
        return bus_id === null ? null : { gpu: named({ uuid: null, bus_id }), xid: null, detail };
      }
      default:
        return null;
    }
  };
}
