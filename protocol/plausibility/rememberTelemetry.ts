import type { TelemetryBody } from "../report/schema.js";
import type { TelemetryBefore, Window } from "./telemetryRule.js";

/**
 * What to keep of a window for the judging of the next. Counters that live in the GPU itself and never go back are
 * carried over windows that do not tell them: a value left out for a while must not cover its fall.
 */
export function rememberTelemetry(
  before: TelemetryBefore | null,
  body: TelemetryBody,
  window: Window,
): TelemetryBefore {
  const { presence, energy_mj, pcie_replays, ecc_aggregate: ecc, remapped_rows: rows } = body;
  const old = before?.body;
  return {
    window: { start_ms: window.start_ms, end_ms: window.end_ms },
    body: {
      presence,
      energy_mj,
      pcie_replays,
      ecc_aggregate:
        ecc === null
          ? (old?.ecc_aggregate ?? null)
          : {
              sram_correctable: ecc.sram_correctable ?? old?.ecc_aggregate?.sram_correctable ?? null,
              sram_uncorrectable: ecc.sram_uncorrectable ?? old?.ecc_aggregate?.sram_uncorrectable ?? null,
              dram_correctable: ecc.dram_correctable ?? old?.ecc_aggregate?.dram_correctable ?? null,
              dram_uncorrectable: ecc.dram_uncorrectable ?? old?.ecc_aggregate?.dram_uncorrectable ?? null,
            },
      remapped_rows:
        rows === null
          ? (old?.remapped_rows ?? null)
          : { correctable: rows.correctable, uncorrectable: rows.uncorrectable },
    },
  };
}
