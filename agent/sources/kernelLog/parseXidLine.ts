import { busIdOf, uuidOf } from "../nvidiaSmi/values.js";
import type { GpuName } from "../supplement.js";

/** What one line of the kernel's log says of a GPU. */
export type KernelLine =
  /** `xid` is null where the driver says that the GPU fell off the bus, and gives no Xid. */
  | { kind: "fault"; gpu: GpuName; xid: number | null; detail: string | null }
  /** Which UUID is behind a PCI address. */
  | { kind: "name"; uuid: string; bus_id: string }
  /** First line of a message over three: which GPU it is about. */
  | { kind: "about"; bus_id: string }
  /** Last line of that message. */
  | { kind: "fallen" };

/** Longer lines are cut before anything else looks at them: no line that matters comes near it. */
const maxChars = 2048;
const maxDetail = 200;

/**
 * What logs put before the driver's words: `<3>`, a date, one host's name and `kernel:`, and dmesg's time in brackets (of
 * which a torn line has only the end). Nothing else may stand there: any user can write into a system's log, and would
 * have words of his own read as the driver's.
 */
const bracket = "(?:\\[[^[\\]]{0,40}\\] ?)?";
const date =
  "(?:\\d{4}-\\d\\d-\\d\\dT[\\d:,.]{8,20}(?:[+-]\\d\\d:?\\d\\d|Z)? |[A-Z][a-z]{2} [ \\d]\\d [\\d:]{8} )?";
const torn = "(?:[A-Z][a-z]{2} [\\d: ]{8,24}\\] )?";
const start = new RegExp(
  `^(?:<\\d{1,4}>)?(?:kern *:\\w{1,8} *: )?${bracket}${date}(?:(?:[\\w.-]{1,64} )?kernel: ?)?${bracket}${torn}NVRM: `,
);

const address = "(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f](?:\\.[0-7])?";
/** In MIG mode the parenthesis also names the instance: `PCI:0000:01:00 GPU-I:05`. */
const xidForm = new RegExp(
  `^Xid \\((?:PCI:)?(?:(${address})|(GPU-[0-9a-f-]{36}))(?: GPU-C?I:[^)]{1,40})?\\): (\\d{1,5})(?!\\d)(.*)$`,
  "is",
);
const nameForm = new RegExp(`^GPU at (?:PCI:)?(${address}): (GPU-[0-9a-f-]{36})\\b`, "i");
const fallenForms = [
  new RegExp(`^The NVIDIA GPU (${address})[^.]{0,120}\\bfallen off the bus\\b`, "is"),
  new RegExp(`^GPU (?:at )?(?:PCI:)?(${address}):? GPU has fallen off the bus\\b`, "i"),
];
const aboutForm = new RegExp(`^The NVIDIA GPU (${address})$`, "i");

/** `3f:00`, `0000:3f:00` and `0000:3f:00.0` are one address. Without a domain the driver means the first. */
function addressOf(text: string): string | null {
  const whole = /^[0-9a-f]{2}:/i.test(text) && !/:.*:/.test(text) ? `0000:${text}` : text;
  return busIdOf(/\.[0-7]$/.test(whole) ? whole : `${whole}.0`);
}

/**
 * The driver's words without the process: its name belongs to a tenant and stays on this host. A name is at most 15
 * characters (TASK_COMM_LEN), which may hold commas, so the longest that it can be is taken away.
 */
function detailOf(rest: string): string | null {
  const words = rest
    .replace(/^,/, "")
    .replace(/^ ?pid=(?:'[^']{0,32}'?|\d{0,10}),?/, "")
    .replace(/^ ?name=(?:.{0,15}(?=, )|[^,]*),?/, "")
    .replace(/[^\x20-\x7e]+/g, " ")
    .trim();
  return words === "" ? null : words.slice(0, maxDetail).trim();
}

/**
 * Reads one line of a kernel log, with whatever prefix dmesg, syslog or the journal gave it; null when the NVIDIA driver
 * says nothing of a GPU in it. SXid lines are an NVSwitch's, not a GPU's: null. Never throws.
 */
export function parseXidLine(line: string): KernelLine | null {
  const cut = line.length > maxChars ? line.slice(0, maxChars) : line;
  const prefix = start.exec(cut);
  if (prefix === null) return null;
  const text = cut.slice(prefix[0].length).trimEnd();

  const told = xidForm.exec(text);
  if (told !== null) {
    const gpu = {
      uuid: uuidOf(told[2]),
      bus_id: told[1] === undefined ? null : addressOf(told[1]),
    };
    const xid = Number(told[3]);
    // Reports hold 16 bits; the catalogue ends at 172. A GPU without a name is nobody's.
    if (xid > 0xffff || (gpu.uuid === null && gpu.bus_id === null)) return null;
    return { kind: "fault", gpu, xid, detail: detailOf(told[4]!) };
  }
  const name = nameForm.exec(text);
  if (name !== null) {
    const uuid = uuidOf(name[2]);
    const bus_id = addressOf(name[1]!);
    return uuid === null || bus_id === null ? null : { kind: "name", uuid, bus_id };
  }
  for (const form of fallenForms) {
    const bus_id = addressOf(form.exec(text)?.[1] ?? "");
    if (bus_id !== null) {
      return { kind: "fault", gpu: { uuid: null, bus_id }, xid: null, detail: "GPU has fallen off the bus" };
    }
  }
  const about = addressOf(aboutForm.exec(text)?.[1] ?? "");
  if (about !== null) return { kind: "about", bus_id: about };
  return /^fallen off the bus\b/i.test(text) ? { kind: "fallen" } : null;
}
