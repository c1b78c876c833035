import type { CaliberError } from "../../../protocol/errors.js";
import type { GpuName, SuppliedReading } from "../supplement.js";
import { dcgmError } from "./dcgmErrors.js";
import { dcgmFields } from "./dcgmFields.js";
import { gpusOf } from "./gpusOf.js";
import { parsePrometheusText } from "./parsePrometheusText.js";
import { valuesOf } from "./valuesOf.js";

export type SavedGpu = {
  gpu: GpuName;
  /** As the exporter calls the machine; null where it does not say. */
  hostname: string | null;
  model: string | null;
  values: SuppliedReading["values"];
  /** The gauge's last Xid or Xids, whenever they were; empty when it shows none. */
  last_xids: number[];
};

/** What a saved `/metrics` answer says of each GPU, whatever its age. */
export function readSavedMetrics(text: string): { gpus: SavedGpu[]; problems: CaliberError[] } {
  const { samples, badLines, firstBad } = parsePrometheusText(text, (name) => dcgmFields.has(name));
  const problems: CaliberError[] = [];
  if (badLines > 0) {
    const message = `${badLines} lines are malformed, the first is line ${firstBad}`;
    problems.push(dcgmError("DCGM_TEXT_MALFORMED", message));
  }
  const gpus = gpusOf(samples, Number.NEGATIVE_INFINITY).map((found): SavedGpu => {
    const { values, problems: own } = valuesOf(found);
    problems.push(...own);
    const { gpu, hostname, model, lastXids } = found;
    return { gpu, hostname, model, values, last_xids: [...(lastXids ?? [])] };
  });
  if (gpus.length === 0) problems.push(dcgmError("DCGM_NO_GPUS", "the text names no GPU"));
  return { gpus, problems };
}
