import type { InventoryBody } from "../../protocol/report/schema.js";
import type { Check } from "./check.js";
import { findings } from "./findings.js";

/** Are the GPUs of this machine those that were enrolled? */
export function checkEnrolledGpus(
  enrolled: readonly { uuid: string }[],
  read: () => Promise<readonly InventoryBody[]>,
): Check {
  return {
    id: "enrolled-gpus",
    async run() {
      const shown = new Set((await read()).map(({ uuid }) => uuid));
      const known = new Set(enrolled.map(({ uuid }) => uuid));
      const gone = [...known].filter((uuid) => !shown.has(uuid));
      const strange = [...shown].filter((uuid) => !known.has(uuid));
      if (gone.length > 0) {
        return findings.fail(
          `${gone.length} of ${known.size} enrolled GPUs do not show: ${gone.join(", ")}.`,
          "Find out where they are; if one was taken out for good, tell the lender.",
        );
      }
      if (strange.length > 0) {
        return findings.warn(
          `${strange.length} GPUs are not enrolled: ${strange.join(", ")}.`,
          "To have them reported, stop the agent and run `caliber agent enroll` with another token.",
        );
      }
      return findings.ok(`All ${known.size} enrolled GPUs show, and no other.`);
    },
  };
}
