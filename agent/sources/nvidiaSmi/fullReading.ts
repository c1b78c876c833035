import type { GpuReading } from "./gpuReading.js";
import { runOnce, type SmiCommand } from "./runOnce.js";

/** Exit codes after which the document is whole all the same: a corrupted infoROM only adds a warning line. */
const accept = [0, 14];

/**
 * Runs `nvidia-smi -q -x`, for the GPUs of `uuids` only or for all (null).
 *
 * @throws CaliberError NVIDIA_SMI_*
 */
export async function fullReading(
  command: SmiCommand,
  uuids: readonly string[] | null,
  options: { timeout_ms: number; signal?: AbortSignal; onExit?: () => void },
): Promise<GpuReading[]> {
  // Loaded at the first reading: a detect() that finds no program never pays for the XML parser.
  const [{ createXmlReader }, { readingsOf }] = await Promise.all([
    import("./xmlReader.js"),
    import("./parseXml.js"),
  ]);
  const reader = createXmlReader();
  const args = ["-q", "-x", ...(uuids === null ? [] : ["-i", uuids.join(",")])];
  await runOnce(command, args, { ...options, accept, onChunk: (chunk) => reader.write(chunk) });
  return readingsOf(reader.end());
}
