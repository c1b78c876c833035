import { CaliberError } from "../../../protocol/errors.js";
import type { OneShot } from "./createOneShot.js";
import { fewerFields } from "./fastFields.js";
import { fullFields } from "./fullFields.js";
import type { GpuReading } from "./gpuReading.js";
import { parseCsv } from "./parseCsv.js";
import { type SmiErrorCode, smiExitError, xmlRepaired } from "./smiErrors.js";

export type FullReading = {
  readings: GpuReading[];
  /** `repaired`: XML nested wrongly where nothing is read. `csv`: what CSV cannot tell is null. */
  form: "xml" | "repaired" | "csv";
  /** What was wrong with the XML; null when nothing was. */
  damage: CaliberError<SmiErrorCode> | null;
};

/** Exit codes after which the document is whole all the same: a corrupted infoROM only adds a warning line. */
const accept = [0, 14];
/** XML kept for a repair; sixteen GPUs print a fifth of it. */
const maxKeptChars = 4 * 1024 * 1024;
const maxCsvChars = 1024 * 1024;

/** Faults of what was printed, not of the driver: the same can be asked for in another form. */
const damages: readonly string[] = [
  "NVIDIA_SMI_XML_MALFORMED",
  "NVIDIA_SMI_OUTPUT_TOO_LARGE",
] satisfies SmiErrorCode[];

type Options = { timeout_ms: number; signal: AbortSignal };

/**
 * Full readings: `nvidia-smi -q -x`, repaired where that is safe, else `--query-gpu` with all fields that the driver
 * knows (what it refuses is remembered). One child after the other.
 */
export function createFullReading(
  oneShot: OneShot,
): (uuids: readonly string[] | null, options: Options) => Promise<FullReading> {
  let fields: readonly string[] = fullFields;

  /** @throws CaliberError NVIDIA_SMI_* */
  return async function fullReading(uuids, options) {
    const only = uuids === null ? [] : ["-i", uuids.join(",")];
    try {
      return await readXml(only, options);
    } catch (error) {
      const fault = error as CaliberError<SmiErrorCode>;
      if (!damages.includes(fault.code)) throw error;
      const readings = await readCsv(only, options);
      const damage = new CaliberError<SmiErrorCode>(
        "NVIDIA_SMI_XML_REPLACED",
        `${fault.message}: read as CSV instead, which tells less`,
        { cause: error, disposition: "retryable" },
      );
      return { readings, form: "csv", damage };
    }
  };

  async function readXml(only: readonly string[], options: Options): Promise<FullReading> {
    // Loaded at the first reading: a detect() that finds no program never pays for the XML parser.
    const [{ createXmlReader }, { readingsOf, parseXml }] = await Promise.all([
      import("./xmlReader.js"),
      import("./parseXml.js"),
    ]);
    const reader = createXmlReader();
    const kept: string[] = [];
    let chars = 0;
    let fault: CaliberError | undefined;
    const { output } = await oneShot.run(["-q", "-x", ...only], {
      ...options,
      accept,
      onChunk(chunk) {
        chars += chunk.length;
        if (chars <= maxKeptChars) kept.push(chunk);
        if (fault !== undefined && chars > maxKeptChars) throw fault;
        try {
          if (fault === undefined) reader.write(chunk);
        } catch (error) {
          fault = error as CaliberError;
          if (fault.code !== "NVIDIA_SMI_XML_MALFORMED") throw error;
        }
      },
    });
    if (fault === undefined) {
      // Words instead of a document, and yet a success: `No devices were found`, or something that nobody foresaw.
      if (!kept.some((chunk) => chunk.includes("<"))) throw smiExitError({ code: 0, signal: null }, output);
      return { readings: readingsOf(reader.end()), form: "xml", damage: null };
    }
    const { repairNesting } = await import("./repairNesting.js");
    const { xml, repairs } = repairNesting(kept.join(""));
    return { readings: parseXml(xml), form: "repaired", damage: xmlRepaired(repairs, fault) };
  }

  async function readCsv(only: readonly string[], options: Options): Promise<GpuReading[]> {
    for (;;) {
      let text = "";
      try {
        await oneShot.run([`--query-gpu=${fields.join(",")}`, "--format=csv", ...only], {
          ...options,
          accept,
          onChunk(chunk) {
            text += chunk;
            if (text.length > maxCsvChars) {
              throw new CaliberError<SmiErrorCode>(
                "NVIDIA_SMI_OUTPUT_TOO_LARGE",
                `nvidia-smi printed more than ${maxCsvChars} characters of CSV`,
                { disposition: "retryable" },
              );
            }
          },
        });
        return parseCsv(text);
      } catch (error) {
        const { code, details = "" } = error as CaliberError;
        const fewer = code === "NVIDIA_SMI_BAD_ARGUMENT" ? fewerFields(fields, details) : null;
        if (fewer === null) throw error;
        fields = fewer;
      }
    }
  }
}
