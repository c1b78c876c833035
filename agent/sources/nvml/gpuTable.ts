import type { InventoryBody, Presence } from "../../../protocol/report/schema.js";
import { noReading } from "../noReading.js";
import { mergeHealth } from "../nvidiaSmi/mergeHealth.js";
import type { GpuSample, HealthReading } from "../telemetrySource.js";
import type { NvmlFull, NvmlRow } from "./messages.js";

type Known = {
  /** Null for a GPU known only from the agent's own record, until a full reading shows it. */
  inventory: InventoryBody | null;
  health: HealthReading;
  /** What the driver said of it when it last answered. */
  lost: boolean;
};
type At = { now_ms: number; mono_ms: number };

/** A host that makes up ever new UUIDs must not fill the memory. */
const maxKnown = 512;

/** The GPUs of this host: those that NVML showed since the start, and those known from before. */
export function createGpuTable(known: readonly string[]) {
  const gpus = new Map<string, Known>();
  for (const uuid of known.slice(0, maxKnown)) {
    gpus.set(uuid, { inventory: null, health: noReading.health, lost: false });
  }
  let shown: readonly InventoryBody[] = [];

  function sampleOf(uuid: string, gpu: Known, row: NvmlRow | undefined, at: At, absent: Presence): GpuSample {
    const there = row?.presence === "present";
    return {
      uuid,
      source: "nvml",
      supplied: [],
      xids: [],
      presence: there ? "present" : gpu.lost ? "lost" : absent,
      at_ms: at.now_ms,
      at_mono_ms: at.mono_ms,
      ...(there ? { fast: row.fast, health: mergeHealth(gpu.health, row.health) } : noReading),
    };
  }

  return {
    /** Takes in what a full reading said. Returns true when what the GPUs say of themselves has changed. */
    apply(full: readonly NvmlFull[]): boolean {
      const now: InventoryBody[] = [];
      for (const { presence, inventory, health } of full) {
        const before = gpus.get(inventory.uuid);
        if (before === undefined && gpus.size >= maxKnown) continue;
        // A lost GPU cannot describe itself: what it said while it answered stands.
        const stands = presence === "lost" ? (before?.inventory ?? inventory) : inventory;
        gpus.set(inventory.uuid, { inventory: stands, health, lost: presence === "lost" });
        now.push(stands);
      }
      const changed = JSON.stringify(now) !== JSON.stringify(shown);
      shown = now;
      return changed;
    },

    /** A sample of every known GPU. One that the round lacks is `missing`. */
    samplesOf(rows: readonly NvmlRow[], at: At): GpuSample[] {
      const round = new Map(rows.map((row) => [row.uuid, row]));
      return [...gpus].map(([uuid, gpu]) => {
        const row = round.get(uuid);
        gpu.lost = row?.presence === "lost";
        return sampleOf(uuid, gpu, row, at, "missing");
      });
    },

    /** A sample of every known GPU when no answer came at all. */
    silentSamples(at: At): GpuSample[] {
      return [...gpus].map(([uuid, gpu]) => sampleOf(uuid, gpu, undefined, at, "probe_timeout"));
    },

    inventory: (): readonly InventoryBody[] => shown,
  };
}
