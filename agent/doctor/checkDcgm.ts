import { CaliberError } from "../../protocol/errors.js";
import type { Check } from "./check.js";
import { findings } from "./findings.js";

/** Counters worth an exporter, by either of their names (DCGM 4.6 renamed many), and what goes untold without them. */
const wanted: readonly (readonly [names: readonly string[], untold: string])[] = [
  [["PROF_SM_ACTIVE", "PROF_SM_UTIL_RATIO"], "SM activity, the only utilization of a GPU with MIG on"],
  [["DEV_XID_ERRORS", "DEV_XID_ERROR"], "the last Xid"],
  [["DEV_TOTAL_ENERGY_CONSUMPTION"], "energy, by which old answers are told from fresh ones"],
  [["DEV_ROW_REMAP_FAILURE", "DEV_ROW_REMAP_FAILED"], "failed row remaps"],
  [["DEV_ECC_DBE_AGG_DEV"], "ECC errors over the memory's life"],
];

export type DcgmCheckOptions = {
  /** Gives the exporter's metrics as text. */
  fetch: () => Promise<string>;
  /** True when the operator named an address, or a GPU has MIG on: then its absence costs something. */
  needed: () => Promise<boolean>;
};

/** Does dcgm-exporter answer, and with the counters that the agent can use? */
export function checkDcgm({ fetch, needed }: DcgmCheckOptions): Check {
  return {
    id: "dcgm",
    async run() {
      let text: string;
      try {
        text = await fetch();
      } catch (error) {
        if (!(error instanceof CaliberError)) throw error;
        const why = error.details || error.message;
        if (!(await needed())) {
          return findings.ok(
            `No dcgm-exporter answers (${why}), and none is needed: no GPU that could be read has MIG on.`,
          );
        }
        return findings.warn(
          `dcgm-exporter does not answer (${why}): nothing is told of the utilization of GPUs with MIG on.`,
          "Run dcgm-exporter with packaging/dcgm/caliber-counters.csv and name it with --dcgm URL, or do without it: --dcgm off.",
        );
      }
      const names = new Set(text.match(/^DCGM_FI_\w{1,80}/gm) ?? []);
      if (names.size === 0) {
        return findings.warn(
          "What answers as dcgm-exporter gives no counters of a GPU.",
          "Look at its log; name the right address with --dcgm URL, or turn it off with --dcgm off.",
        );
      }
      const lacking = wanted.filter(([either]) => !either.some((name) => names.has(`DCGM_FI_${name}`)));
      if (lacking.length > 0) {
        return findings.warn(
          `dcgm-exporter does not tell of ${lacking.map(([[name], untold]) => `${untold} (DCGM_FI_${name})`).join("; ")}.`,
          "Start it with packaging/dcgm/caliber-counters.csv, or add these lines of it to the exporter's own file.",
        );
      }
      return findings.ok("dcgm-exporter answers, with the counters that the agent can use.");
    },
  };
}
