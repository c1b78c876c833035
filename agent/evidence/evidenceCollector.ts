import type { Evidence } from "../../protocol/evidence/verifyEvidence.js";
import type { EvidenceCollector as CollectorName, InventoryBody } from "../../protocol/report/schema.js";

/** How a collector tells the host's GPUs apart: as the inventory has them. */
export type AskedGpu = Pick<InventoryBody, "uuid" | "index" | "pdi">;

/** Evidence, and through what it came. */
export type CollectedEvidence = Evidence & { collector: CollectorName };

/** Gets evidence out of a GPU. Called for one GPU at a time. */
export type EvidenceCollector = {
  /**
   * Lets one GPU sign 32 bytes (hex).
   *
   * @throws CaliberError COLLECTOR_MISSING, COLLECTOR_UNSUPPORTED, COLLECTOR_FAILED, COLLECTOR_TIMEOUT, EVIDENCE_*
   */
  collect(nonce: string, gpu: AskedGpu, signal: AbortSignal): Promise<CollectedEvidence>;
};
