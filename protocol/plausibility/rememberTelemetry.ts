import type { TelemetryBody } from "../report/schema.js";
import type { TelemetryMemory, Window } from "./telemetryRule.js";

/**
 * Keeps of a window what the judging of the next one needs, in `memory` itself (null: a new one). Counters that live in
 * the GPU and never go back are carried over windows that do not tell them: a value left out for a while must not cover
 * its fall. In place, since a registry does this ten thousand times a second for memories that stay.
 */
export function rememberTelemetry(
  memory: TelemetryMemory | null,
  body: TelemetryBody,
  window: Window,
): TelemetryMemory {
  const kept = memory ?? createMemory();
  kept.window.start_ms = window.start_ms;
  kept.window.end_ms = window.end_ms;
  const into = kept.body;
  into.presence = body.presence;
  into.energy_mj = body.energy_mj;
  into.pcie_replays = body.pcie_replays;
  if (body.ecc_aggregate !== null) {
    into.ecc_aggregate ??= { ...noEcc };
    const { ecc_aggregate: ecc } = into;
    ecc.sram_correctable = body.ecc_aggregate.sram_correctable ?? ecc.sram_correctable;
    ecc.sram_uncorrectable = body.ecc_aggregate.sram_uncorrectable ?? ecc.sram_uncorrectable;
    ecc.dram_correctable = body.ecc_aggregate.dram_correctable ?? ecc.dram_correctable;
    ecc.dram_uncorrectable = body.ecc_aggregate.dram_uncorrectable ?? ecc.dram_uncorrectable;
  }
  if (body.remapped_rows !== null) {
    into.remapped_rows ??= { correctable: 0, uncorrectable: 0 };
    into.remapped_rows.correctable = body.remapped_rows.correctable;
    into.remapped_rows.uncorrectable = body.remapped_rows.uncorrectable;
  }
  return kept;
}

const noEcc = {
  sram_correctable: null,
  sram_uncorrectable: null,
  dram_correctable: null,
  dram_uncorrectable: null,
};

function createMemory(): TelemetryMemory {
  return {
    window: { start_ms: 0, end_ms: 0 },
    body: {
      presence: "present",
      energy_mj: null,
      pcie_replays: null,
      ecc_aggregate: null,
      remapped_rows: null,
    },
  };
}
