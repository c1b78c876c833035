import { SaxesParser } from "saxes";
import { CaliberError } from "../../../protocol/errors.js";
import type { SmiErrorCode } from "./smiErrors.js";
import { keptMigPaths, keptPaths, throttleParents } from "./xmlPaths.js";

/** The kept text of one `<gpu>` by element path, as printed (nothing interpreted yet). */
export type RawGpu = {
  id: string | undefined;
  values: Map<string, string>;
  /** Full element names below the clock reasons' element, with their text. */
  throttle: [name: string, text: string][];
  processes: number;
  /** Kept text of each `<mig_device>`, by the path below it. */
  migDevices: Map<string, string>[];
};
export type RawLog = { driver: string | undefined; cuda: string | undefined; gpus: RawGpu[] };

/** Eight B200 with nothing running print 0.36 MB, nine tenths of it supported clocks. */
const maxChars = 16 * 1024 * 1024;
/** Sixteen GPUs print some 16,000, and eight more for each process. */
const maxElements = 200_000;
const maxGpus = 256;
const maxDepth = 32;
/** Seven GPU instances of seven compute instances each are the most that any GPU has. */
const maxMigDevices = 64;
const maxTextChars = 4096;

const malformed = (message: string, cause?: unknown) =>
  new CaliberError<SmiErrorCode>("NVIDIA_SMI_XML_MALFORMED", message, { cause, disposition: "retryable" });

const tooLarge = (what: string) =>
  new CaliberError<SmiErrorCode>("NVIDIA_SMI_OUTPUT_TOO_LARGE", `nvidia-smi printed ${what}`, {
    disposition: "retryable",
  });

/**
 * Reads `nvidia-smi -q -x` as it arrives, keeping only the listed paths, so that neither the size nor the content of
 * what the host prints decides how much memory is held. Entities are never expanded and no DTD is fetched. Lines
 * that nvidia-smi prints before or after the document (warnings) are skipped.
 *
 * @throws CaliberError NVIDIA_SMI_XML_MALFORMED, NVIDIA_SMI_OUTPUT_TOO_LARGE
 */
export function createXmlReader(): { write(chunk: string): void; end(): RawLog } {
  const log: RawLog = { driver: undefined, cuda: undefined, gpus: [] };
  const path: string[] = [];
  let gpu: RawGpu | undefined;
  let text = "";
  let chars = 0;
  let elements = 0;
  let begun = false;
  let done = false;

  const parser = new SaxesParser({ position: false });
  parser.on("error", (error) => {
    throw malformed("nvidia-smi printed XML that is not well-formed", error);
  });
  parser.on("text", (chunk) => {
    if (text.length < maxTextChars) text += chunk.slice(0, maxTextChars - text.length);
  });
  parser.on("opentag", ({ name, attributes }) => {
    text = "";
    if (++elements > maxElements) throw tooLarge(`more than ${maxElements} elements`);
    path.push(name);
    if (path.length > maxDepth) throw malformed("nvidia-smi printed XML nested too deeply");
    if (path.length === 1 && name !== "nvidia_smi_log")
      throw malformed("nvidia-smi printed some other document");
    if (path.length === 2 && name === "gpu") {
      if (log.gpus.length === maxGpus) throw malformed(`nvidia-smi listed more than ${maxGpus} GPUs`);
      gpu = {
        id: attributes.id as string | undefined,
        values: new Map(),
        throttle: [],
        processes: 0,
        migDevices: [],
      };
      log.gpus.push(gpu);
    }
    if (gpu !== undefined && path.length === 4 && name === "mig_device" && path[2] === "mig_devices") {
      if (gpu.migDevices.length < maxMigDevices) gpu.migDevices.push(new Map());
    }
  });
  parser.on("closetag", () => {
    if (gpu !== undefined) keep(gpu);
    else if (path.length === 2 && path[1] === "driver_version") log.driver ??= text;
    else if (path.length === 2 && path[1] === "cuda_version") log.cuda ??= text;
    path.pop();
    text = "";
    if (path.length === 1) gpu = undefined;
    if (path.length === 0) done = true;
  });

  function keep(into: RawGpu) {
    const below = path.slice(2).join("/");
    if (keptPaths.has(below)) {
      if (!into.values.has(below)) into.values.set(below, text);
    } else if (path.length === 4 && throttleParents[path[2]!] !== undefined) {
      if (into.throttle.length < 64) into.throttle.push([path[3]!, text]);
    } else if (below === "processes/process_info") {
      into.processes += 1;
    } else if (path[2] === "mig_devices" && path[3] === "mig_device") {
      const leaf = path.slice(4).join("/");
      if (keptMigPaths.has(leaf)) into.migDevices.at(-1)!.set(leaf, text);
    }
  }

  function write(chunk: string): void {
    chars += chunk.length;
    if (chars > maxChars) {
      throw tooLarge(`more than ${maxChars} characters`);
    }
    if (done) return;
    let rest = chunk;
    if (!begun) {
      const at = rest.indexOf("<");
      if (at < 0) return;
      begun = true;
      rest = rest.slice(at);
    }
    // One line at a time, so that what follows the document's end never reaches the parser.
    for (let from = 0; from < rest.length && !done; ) {
      const newline = rest.indexOf("\n", from);
      const to = newline < 0 ? rest.length : newline + 1;
      parser.write(rest.slice(from, to));
      from = to;
    }
  }

  function end(): RawLog {
    if (!done) throw malformed("nvidia-smi printed no whole XML document");
    return log;
  }
  return { write, end };
}
