import { CaliberError } from "../../protocol/errors.js";
import type { EvidenceCollector } from "./evidenceCollector.js";

/** What says that this way of asking leads nowhere, on this host or for this GPU. */
const nowhere: ReadonlySet<string> = new Set(["COLLECTOR_MISSING", "COLLECTOR_UNSUPPORTED"]);

/** Asks through the first collector that is there and can; a GPU that did not answer one is not asked again through another. */
export function firstCollector(collectors: readonly EvidenceCollector[]): EvidenceCollector {
  return {
    async collect(nonce, gpu, signal) {
      const why: string[] = [];
      for (const collector of collectors) {
        try {
          return await collector.collect(nonce, gpu, signal);
        } catch (error) {
          if (!(error instanceof CaliberError) || !nowhere.has(error.code)) throw error;
          why.push(error.message);
        }
      }
      throw new CaliberError("COLLECTOR_UNSUPPORTED", why.join("; "), { disposition: "user" });
    },
  };
}
