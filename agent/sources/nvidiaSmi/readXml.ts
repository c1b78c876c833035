import { CaliberError } from "../../../protocol/errors.js";
import type { GpuReading } from "./gpuReading.js";
import { parseXml } from "./parseXml.js";
import { repairNesting } from "./repairNesting.js";
import type { SmiErrorCode } from "./smiErrors.js";

/**
 * Readings of a whole `nvidia-smi -q -x`, also of one that is nested wrongly where nothing is read. `repairs` counts the
 * tags that had to be added or dropped.
 *
 * @throws CaliberError NVIDIA_SMI_XML_MALFORMED, NVIDIA_SMI_OUTPUT_TOO_LARGE, NVIDIA_SMI_DUPLICATE_UUID
 */
export function readXml(xml: string): { readings: GpuReading[]; repairs: number } {
  try {
    return { readings: parseXml(xml), repairs: 0 };
  } catch (error) {
    if (CaliberError.find(error, "NVIDIA_SMI_XML_MALFORMED" satisfies SmiErrorCode) === undefined)
      throw error;
    const { xml: repaired, repairs } = repairNesting(xml);
    return { readings: parseXml(repaired), repairs };
  }
}
