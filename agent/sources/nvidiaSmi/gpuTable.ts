import type { InventoryBody, Presence } from "../../../protocol/report/schema.js";
import { noReading } from "../noReading.js";
import type { GpuSample, HealthReading } from "../telemetrySource.js";
import type { FullReading } from "./createFullReading.js";
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
  /** False once a full reading of all GPUs lacked it. */
  shown: boolean;
  /** When `health` was read. */
  read_mono_ms: number;
};

/** How a full reading was asked for, and when it came. */
type Source = {
  /** False when it was of some GPUs only: then the order is not NVML's. */
  whole: boolean;
  form: FullReading["form"];
  mono_ms: number;
};

/** A host that makes up ever new UUIDs must not fill the memory. */
const maxKnown = 512;

/** What only the XML tells of a GPU: a reading by CSV leaves these as they were. */
const xmlOnly = [
  "pdi",
  "brand",
  "architecture",
  "board_part_number",
  "gpu_part_number",
  "cuda_version",
  "mig_devices",
] as const satisfies readonly (keyof InventoryBody)[];

/**
 * The GPUs of this host: those that a full reading showed since the start, and those known from before. What a full
 * reading said of a GPU's health counts for `health_ms`; after that only the stream speaks, and the rest is null.
 */
export function createGpuTable(knownUuids: readonly string[], health_ms: number) {
  const gpus = new Map<string, Known>();
  for (const uuid of knownUuids.slice(0, maxKnown)) {
    gpus.set(uuid, {
      inventory: null,
      health: noReading.health,
      bus_id: null,
      lost: false,
      shown: false,
      read_mono_ms: 0,
    });
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
        health: mergeHealth(
          at.mono_ms - gpu.read_mono_ms <= health_ms ? gpu.health : noReading.health,
          row.health,
        ),
      };
    }
    const presence = row?.presence === "lost" || gpu.lost ? "lost" : absent;
    return { ...base, presence, ...noReading };
  }

  return {
    /** Takes a full reading in. Returns true when what the GPUs say of themselves has changed. */
    apply(readings: readonly GpuReading[], { whole, form, mono_ms }: Source): boolean {
      const seen = new Set<string>();
      for (const reading of readings) {
        const uuid = reading.uuid ?? uuidAt(reading.bus_id);
        if (uuid === null || seen.has(uuid)) continue;
        const before = gpus.get(uuid);
        if (before === undefined && gpus.size >= maxKnown) continue;
        seen.add(uuid);
        const lost = reading.presence === "lost";
        gpus.set(uuid, {
          // A lost GPU cannot describe itself: what it said while it answered stands.
          inventory:
            lost && before?.inventory
              ? before.inventory
              : inventoryOf(uuid, reading, before?.inventory ?? null, whole, form),
          health: reading.health,
          bus_id: reading.bus_id ?? before?.bus_id ?? null,
          lost,
          shown: true,
          read_mono_ms: mono_ms,
        });
      }
      const taken = new Set([...seen].map((uuid) => gpus.get(uuid)!.bus_id));
      for (const [uuid, gpu] of gpus) {
        if (seen.has(uuid)) continue;
        if (whole) gpu.shown = false;
        // Its address is another's now: an error that names the address must not be laid at its door.
        if (taken.has(gpu.bus_id)) gpu.bus_id = null;
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

    /** True when a full reading found this GPU alive, and so a stream that cannot read it holds an old handle. */
    answersElsewhere: (uuid: string): boolean => gpus.get(uuid)?.shown === true && !gpus.get(uuid)!.lost,

    /** GPUs that can be asked although others keep nvidia-smi from answering for all. */
    askable(): string[] {
      return [...gpus].flatMap(([uuid, gpu]) =>
        gpu.shown && gpu.bus_id !== null && !gpu.lost ? [uuid] : [],
      );
    },

    inventory: (): readonly InventoryBody[] => shown,
  };
}

function inventoryOf(
  uuid: string,
  reading: GpuReading,
  before: InventoryBody | null,
  whole: boolean,
  form: FullReading["form"],
): InventoryBody {
  const said: InventoryBody = { ...reading.inventory, uuid };
  const kept = form === "csv" && before !== null ? before : said;
  const fromXml = Object.fromEntries(xmlOnly.map((key) => [key, kept[key]]));
  return { ...said, ...fromXml, index: whole ? said.index : (before?.index ?? null) };
}

export type GpuTable = ReturnType<typeof createGpuTable>;
type At = { now_ms: number; mono_ms: number };
