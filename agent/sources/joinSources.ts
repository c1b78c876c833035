import { CaliberError } from "../../protocol/errors.js";
import type { SupplementName, XidEvent } from "../../protocol/report/schema.js";
import { fillSample } from "./joinSourcesFill.js";
import { createXidShelf } from "./joinSourcesXids.js";
import { busIdOf } from "./nvidiaSmi/values.js";
import type { GpuName, Supplement, SuppliedReading } from "./supplement.js";
import type { GpuSample, SourceClock, SourceListener, TelemetrySource } from "./telemetrySource.js";

export type JoinErrorCode =
  /** A supplement tells of a GPU that the source does not show. */
  | "SUPPLEMENT_GPU_UNKNOWN"
  /** A supplement broke: the source goes on without it. */
  | "SUPPLEMENT_FAILED";

/** Until then the source may still come to know a GPU that a supplement speaks of. */
const strange_ms = 120_000;
/** Bounds what a supplement that makes up GPUs can take. */
const maxStrangers = 256;

/**
 * The source, with what its supplements know besides. The source's own readings stand; a supplement fills in what the
 * source left null, named in `supplied`, until the reading is too old. Faults go with the next sample of their GPU, and
 * each keeps who told it: two tellers of one fault are two entries. What the supplements do never stops the source.
 */
export function joinSources(
  source: TelemetrySource,
  supplements: readonly Supplement[],
  { clock }: { clock: SourceClock },
): TelemetrySource {
  const shelf = createXidShelf();
  const readings = supplements.map(() => new Map<string, SuppliedReading>());
  /** Faults of GPUs that the source does not know (yet). */
  let waiting: { gpu: GpuName; event: XidEvent; since_mono_ms: number }[] = [];
  /** Names nobody answers to: since when, null once that was told. */
  const strangers = new Map<string, number | null>();
  let listener: SourceListener | undefined;
  let stopped = false;

  const nameOf = ({ uuid, bus_id }: GpuName) => uuid ?? bus_id ?? "";

  function noteStranger(gpu: GpuName, mono_ms: number, since_mono_ms: number): void {
    const name = nameOf(gpu);
    const known = strangers.get(name);
    if (known === null) return;
    const since = Math.min(known ?? since_mono_ms, since_mono_ms);
    if (known === undefined && strangers.size >= maxStrangers) return;
    if (mono_ms - since < strange_ms) {
      strangers.set(name, since);
      return;
    }
    strangers.set(name, null);
    const message = `something is told of GPU ${name}, which ${source.name} does not show`;
    listener?.onProblem(
      new CaliberError<JoinErrorCode>("SUPPLEMENT_GPU_UNKNOWN", message, { disposition: "retryable" }),
    );
  }

  /** Which of the sampled GPUs a name stands for. The driver's own UUID goes before the address of the last inventory. */
  function resolver(samples: readonly GpuSample[]): (gpu: GpuName) => string | null {
    const uuids = new Set(samples.map(({ uuid }) => uuid));
    const byBus = new Map<string, string>();
    for (const { uuid, pci_bus_id } of source.inventory()) {
      const bus_id = busIdOf(pci_bus_id ?? undefined);
      if (bus_id !== null && uuids.has(uuid)) byBus.set(bus_id, uuid);
    }
    return ({ uuid, bus_id }) =>
      uuid !== null && uuids.has(uuid) ? uuid : (bus_id !== null && byBus.get(bus_id)) || null;
  }

  function join(samples: readonly GpuSample[]): readonly GpuSample[] {
    const mono_ms = clock.mono_ms();
    const uuidOf = resolver(samples);
    waiting = waiting.filter(({ gpu, event, since_mono_ms }) => {
      const uuid = uuidOf(gpu);
      if (uuid !== null) shelf.add(uuid, event, mono_ms);
      else noteStranger(gpu, mono_ms, since_mono_ms);
      return uuid === null && mono_ms - since_mono_ms < strange_ms;
    });
    const supplied = new Map<string, { source: SupplementName; reading: SuppliedReading }[]>();
    supplements.forEach(({ name }, index) => {
      // The kernel's log has no readings.
      if (name === "kernel-log") return;
      for (const reading of readings[index]!.values()) {
        const uuid = uuidOf(reading.gpu);
        if (uuid === null) noteStranger(reading.gpu, mono_ms, mono_ms);
        else supplied.set(uuid, [...(supplied.get(uuid) ?? []), { source: name, reading }]);
      }
    });
    return samples.map((sample) => {
      for (const event of sample.xids) shelf.add(sample.uuid, event, mono_ms);
      const filled = fillSample(sample, supplied.get(sample.uuid) ?? []);
      return { ...filled, xids: shelf.take(sample.uuid, mono_ms) };
    });
  }

  async function startSupplement(supplement: Supplement, index: number): Promise<void> {
    const { name } = supplement;
    try {
      await supplement.start({
        onReadings(told) {
          if (stopped) return;
          const mine = readings[index]!;
          for (const [key, { until_mono_ms }] of mine) if (until_mono_ms <= clock.mono_ms()) mine.delete(key);
          for (const reading of told) mine.set(nameOf(reading.gpu), reading);
        },
        onXid(gpu, event) {
          if (stopped || waiting.length >= maxStrangers * 4) return;
          waiting.push({ gpu, event, since_mono_ms: clock.mono_ms() });
        },
        onProblem(error) {
          if (!stopped) listener?.onProblem(error);
        },
      });
    } catch (cause) {
      const message = `${name} could not be started`;
      listener?.onProblem(
        new CaliberError<JoinErrorCode>("SUPPLEMENT_FAILED", message, { cause, disposition: "internal" }),
      );
    }
  }

  return {
    name: source.name,
    async start(to) {
      listener = to;
      await Promise.all([
        source.start({
          onSamples: (samples) => to.onSamples(join(samples)),
          onInventory: (gpus) => to.onInventory(gpus),
          onProblem: (error) => to.onProblem(error),
        }),
        ...supplements.map(startSupplement),
      ]);
    },
    async stop() {
      stopped = true;
      const ends = await Promise.allSettled([source.stop(), ...supplements.map((one) => one.stop())]);
      for (const end of ends) if (end.status === "rejected") throw end.reason;
    },
    inventory: source.inventory,
  };
}
