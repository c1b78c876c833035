import type { InventoryBody, Presence } from "../../../protocol/report/schema.js";
import { noReading } from "../noReading.js";
import type { GpuSample, HealthReading } from "../telemetrySource.js";
import type { GpuReading } from "./gpuReading.js";
import { mergeHealth } from "./mergeHealth.js";
import type { CsvRow } from "./parseCsvRow.js";
import type { Round } from "./rounds.js";
import { busIdOf } from "./values.js";

type Known = {
  /** Null for a GPU known only from the agent's own record, until a full reading shows it. */
  inventory: InventoryBody | null;
  health: HealthReading;
  bus_id: string | null;
  /** What the last full reading, or the driver's own error message, said. */
  lost: boolean;
};

/** A host that makes up ever new UUIDs must not fill the memory. */
const maxKnown = 512;

/** The GPUs of this host: those that a full reading showed since the start, and those known from before. */
export function createGpuTable(knownUuids: readonly string[]) {
  const gpus = new Map<string, Known>();
  for (const uuid of knownUuids.slice(0, maxKnown)) {
    gpus.set(uuid, { inventory: null, health: noReading.health, bus_id: null, lost: false });
  }
  let shown: readonly InventoryBody[] = [];

  const uuidAt = (busId: string | null) => {
    if (busId === null) return null;
    for (const [uuid, gpu] of gpus) if (gpu.bus_id === busId) return uuid;
    return null;
  };

  function sampleOf(uuid: string, gpu: Known, row: CsvRow | undefined, at: At, absent: Presence): GpuSample {
    const base = {
      uuid,
      source: "nvidia-smi" as const,
      supplied: [],
      xids: [],
      at_ms: at.now_ms,
      at_mono_ms: at.mono_ms,
    };
    if (row?.presence === "present") {
      return {
        ...base,
        presence: "present",
        fast: row.fast,
        health: mergeHealth(gpu.health, row.health),
      };
    }
    const presence = row?.presence === "lost" || gpu.lost ? "lost" : absent;
    return { ...base, presence, ...noReading };
  }

  return {
    /**
     * Takes a full reading in. `whole` is false when it was asked for some of the GPUs only: then the order is not
     * NVML's. Returns true when what the GPUs say of themselves has changed.
     */
    apply(readings: readonly GpuReading[], whole: boolean): boolean {
      const seen = new Set<string>();
      for (const reading of readings) {
        const uuid = reading.uuid ?? uuidAt(reading.bus_id);
        if (uuid === null || seen.has(uuid)) continue;
        const before = gpus.get(uuid);
        if (before === undefined && gpus.size >= maxKnown) continue;
        seen.add(uuid);
        const lost = reading.presence === "lost";
        const said = { ...reading.inventory, uuid };
        gpus.set(uuid, {
          // A lost GPU cannot describe itself: what it said while it answered stands.
          inventory:
            lost && before?.inventory
              ? before.inventory
              : { ...said, index: whole ? said.index : (before?.inventory?.index ?? null) },
          health: reading.health,
          bus_id: reading.bus_id ?? before?.bus_id ?? null,
          lost,
        });
      }
      const now = [...gpus].flatMap(([uuid, gpu]) =>
        gpu.inventory !== null && (seen.has(uuid) || !whole) ? [gpu.inventory] : [],
      );
      const changed = JSON.stringify(now) !== JSON.stringify(shown);
      shown = now;
      return changed;
    },

    /**
     * Takes in what the driver said when it gave up on a GPU. Returns the PCI addresses named, known ones marked lost.
     */
    noteLost(output: string): string[] {
      const named = output.matchAll(
        /device handle for GPU ?((?:[0-9a-f]{4}){1,2}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])/gi,
      );
      const busIds = [...named].flatMap(([, text]) => busIdOf(text) ?? []);
      for (const busId of busIds) {
        const uuid = uuidAt(busId);
        const gpu = uuid === null ? undefined : gpus.get(uuid);
        if (gpu !== undefined) gpu.lost = true;
      }
      return busIds;
    },

    /** Which known GPU a line of the stream speaks of; null for a stranger, who calls for a full reading. */
    resolve(row: CsvRow): string | null {
      const uuid = row.uuid ?? uuidAt(row.bus_id);
      return uuid !== null && gpus.has(uuid) ? uuid : null;
    },

    /** A sample of every known GPU. One that the round lacks is `missing`, or `lost` where the driver said so. */
    samplesOf(round: Round, at: At): GpuSample[] {
      return [...gpus].map(([uuid, gpu]) => sampleOf(uuid, gpu, round.get(uuid), at, "missing"));
    },

    /** A sample of every known GPU when no answer came at all. */
    silentSamples(at: At): GpuSample[] {
      return [...gpus].map(([uuid, gpu]) => sampleOf(uuid, gpu, undefined, at, "probe_timeout"));
    },

    /** GPUs that can be asked although others keep nvidia-smi from answering for all. */
    askable(): string[] {
      return [...gpus].flatMap(([uuid, gpu]) => (gpu.bus_id !== null && !gpu.lost ? [uuid] : []));
    },

    inventory: (): readonly InventoryBody[] => shown,
  };
}

export type GpuTable = ReturnType<typeof createGpuTable>;
type At = { now_ms: number; mono_ms: number };
