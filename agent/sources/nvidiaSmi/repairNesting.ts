import { CaliberError } from "../../../protocol/errors.js";
import type { SmiErrorCode } from "./smiErrors.js";
import { keptMigPaths, keptPaths, throttleParents } from "./xmlPaths.js";

/** Sixteen GPUs with their supported clocks are a fifth of it. */
const maxChars = 4 * 1024 * 1024;
const maxDepth = 32;
/** A printer that slips once in each block of supported clocks of sixteen GPUs needs some two hundred. */
const maxRepairs = 512;

const tag = /<(\/?)([A-Za-z_][\w.-]{0,63})(?=[\s/>])([^<>]{0,256})>/g;

const named = [...keptPaths, ...Object.keys(throttleParents)].map((path) => path.split("/"));
/** Children of `<gpu>` from which something is read. */
const read: ReadonlySet<string> = new Set(named.map(([first]) => first!));
/** Every element's name that stands anywhere on the way to something read. */
const meaningful: ReadonlySet<string> = new Set([
  "nvidia_smi_log",
  "driver_version",
  "cuda_version",
  "gpu",
  "mig_device",
  "process_info",
  ...named.flat(),
  ...[...keptMigPaths].flatMap((path) => path.split("/")),
]);

const malformed = (message: string) =>
  new CaliberError<SmiErrorCode>("NVIDIA_SMI_XML_MALFORMED", message, { disposition: "retryable" });

/**
 * Closes and drops tags where some drivers nest them wrongly (`supported_mem_clock` is the known case), in elements below
 * `<gpu>` from which nothing is read. So a repair can neither lose a reading, nor move one, nor make one: damage
 * anywhere else, or more than a slip of the printer, is refused. Takes time in proportion to the text.
 *
 * @throws CaliberError NVIDIA_SMI_XML_MALFORMED
 */
export function repairNesting(xml: string): { xml: string; repairs: number } {
  if (xml.length > maxChars) throw malformed("nvidia-smi printed too much XML to repair");
  const open: string[] = [];
  const out: string[] = [];
  let from = 0;
  let repairs = 0;
  /** An element of a name that is read stands inside one that is not: it may be the GPU's own, if that was not closed. */
  let swallowed = false;

  const repair = () => {
    if (++repairs > maxRepairs) throw malformed("nvidia-smi printed XML that is nested wrongly too often");
  };
  /** True inside an element below `<gpu>` from which nothing is read. */
  const inUnread = () => open.length > 2 && open[1] === "gpu" && !read.has(open[2]!);
  function closeTo(depth: number) {
    while (open.length > depth) {
      if (!inUnread() || swallowed) throw malformed(`<${open.at(-1)}> is not closed where its readings end`);
      repair();
      out.push(`</${open.pop()}>`);
    }
  }

  for (const match of xml.matchAll(tag)) {
    const [text, slash, name, rest] = match as unknown as [string, string, string, string];
    out.push(xml.slice(from, match.index));
    from = match.index + text.length;
    if (slash === "") {
      if (name === "gpu" && open.length !== 1) throw malformed("a <gpu> stands inside another element");
      if (open.length <= 2) swallowed = false;
      else if (read.has(name) && inUnread()) swallowed = true;
      if (!rest.endsWith("/")) open.push(name);
      if (open.length > maxDepth) throw malformed("nvidia-smi printed XML nested too deeply");
      out.push(text);
    } else if (open.includes(name)) {
      closeTo(open.lastIndexOf(name) + 1);
      open.pop();
      out.push(text);
    } else {
      if (meaningful.has(name)) throw malformed(`</${name}> closes nothing`);
      repair();
    }
  }
  if (open.length > 0) throw malformed("nvidia-smi printed no whole XML document");
  out.push(xml.slice(from));
  return { xml: out.join(""), repairs };
}
