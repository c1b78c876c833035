import { CaliberError } from "../../protocol/errors.js";
import type { Evidence } from "../../protocol/evidence/verifyEvidence.js";
import type { AskedGpu } from "./evidenceCollector.js";
import { siliconOf } from "./siliconOf.js";

/**
 * The evidence of one GPU among those of all GPUs of the host: by its PDI where the driver tells it, else by its place
 * in the driver's order. A wrong guess costs nothing but the answer: the registry sees whose it is.
 *
 * @throws CaliberError COLLECTOR_FAILED, EVIDENCE_*
 */
export function pickEvidence(evidences: readonly Evidence[], gpu: AskedGpu): Evidence {
  const { pdi, index } = gpu;
  const byPdi = pdi === null ? undefined : evidences.find(({ chain }) => isPdi(siliconOf(chain).pdi, pdi));
  const only = evidences.length === 1 ? evidences[0] : undefined;
  const found = byPdi ?? only ?? (index === null ? undefined : evidences[index]);
  if (found === undefined) {
    throw new CaliberError("COLLECTOR_FAILED", `none of ${evidences.length} evidences is this GPU's`);
  }
  return found;
}

/** Which way round nvidia-smi prints it is not documented (joinWithInventory). */
function isPdi(signed: string, declared: string): boolean {
  const turned = Buffer.from(signed.slice(2), "hex").reverse().toString("hex");
  return declared === signed || declared === `0x${turned}`;
}
