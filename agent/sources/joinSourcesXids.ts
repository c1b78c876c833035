import type { XidEvent } from "../../protocol/report/schema.js";
import { joinXids } from "../window/joinXids.js";

/**
 * Repeats of a kind of fault are handed over together, once in this time. The first telling is handed over at once and
 * ends a report's window; a storm must not end one every second.
 */
const repeats_ms = 60_000;
/** A GPU with more kinds of fault than this has told enough. */
const maxKinds = 256;

type Gpu = {
  /** When each kind was last handed over. */
  told: Map<string, number>;
  fresh: XidEvent[];
  repeats: XidEvent[];
  flushed_mono_ms: number;
};

const kindOf = ({ source, xid, severity }: XidEvent) => `${source}/${xid}/${severity}`;

/** Faults that wait for the next sample of their GPU. Nothing told is lost or counted twice; repeats wait a minute at most. */
export function createXidShelf() {
  const gpus = new Map<string, Gpu>();

  return {
    add(uuid: string, event: XidEvent, mono_ms: number): void {
      let gpu = gpus.get(uuid);
      if (gpu === undefined) {
        gpu = { told: new Map(), fresh: [], repeats: [], flushed_mono_ms: Number.NEGATIVE_INFINITY };
        gpus.set(uuid, gpu);
      }
      const kind = kindOf(event);
      const last = gpu.told.get(kind);
      if (last !== undefined && mono_ms - last < repeats_ms) {
        gpu.repeats = joinXids([...gpu.repeats, event]);
        return;
      }
      if (gpu.told.size >= maxKinds) gpu.told.clear();
      gpu.told.set(kind, mono_ms);
      gpu.fresh = joinXids([...gpu.fresh, event]);
    },

    /** What the GPU's sample of now has to tell. */
    take(uuid: string, mono_ms: number): XidEvent[] {
      const gpu = gpus.get(uuid);
      if (gpu === undefined) return [];
      const due = gpu.repeats.length > 0 && mono_ms - gpu.flushed_mono_ms >= repeats_ms;
      if (gpu.fresh.length === 0 && !due) return [];
      // Together with news, so that both end one window.
      const told = joinXids([...gpu.fresh, ...gpu.repeats]);
      for (const event of gpu.repeats) gpu.told.set(kindOf(event), mono_ms);
      gpu.fresh = [];
      gpu.repeats = [];
      gpu.flushed_mono_ms = mono_ms;
      return told;
    },
  };
}
