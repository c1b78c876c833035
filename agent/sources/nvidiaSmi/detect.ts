import { CaliberError } from "../../../protocol/errors.js";
import { runOnce, type SmiCommand } from "./runOnce.js";
import { lineOf } from "./smiErrors.js";

export type Detection =
  | { found: true; gpus: number }
  /** `reason` is one line for a person; `code` one of the NVIDIA_SMI_* codes. */
  | { found: false; code: string; reason: string };

/** `GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-…)`; MIG devices follow indented and are not counted. */
const gpuLine = /^GPU \d{1,4}: .{1,200}\(UUID: GPU-[0-9a-f-]{36}\)\r?$/gim;
const maxChars = 256 * 1024;

/** Is there a working nvidia-smi with at least one GPU on this machine? Asks `nvidia-smi -L`. */
export async function detect(command: SmiCommand, options: { timeout_ms: number }): Promise<Detection> {
  let output = "";
  try {
    await runOnce(command, ["-L"], {
      ...options,
      onChunk: (chunk) => {
        output = (output + chunk).slice(0, maxChars);
      },
    });
  } catch (error) {
    if (!(error instanceof CaliberError)) throw error;
    const said = error.details === undefined ? "" : `: ${error.details}`;
    return { found: false, code: error.code, reason: `${error.message}${said}` };
  }
  const gpus = output.match(gpuLine)?.length ?? 0;
  if (gpus > 0) return { found: true, gpus };
  const said = lineOf(output);
  return {
    found: false,
    code: "NVIDIA_SMI_NO_DEVICES",
    reason: `nvidia-smi lists no GPU${said === "" ? "" : `: ${said}`}`,
  };
}
