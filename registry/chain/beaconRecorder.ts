import { readBlock } from "./readHead.js";
import type { Head, WriterContext } from "./writerContext.js";

export type BeaconRecorder = {
  record(head: Head): Promise<void>;
  /** The last beacon may not be on the chain any more: the next block counts whatever its time. */
  forget(): void;
};

/** Puts a recent block into the log once an interval, so that reports can show that they are not older. */
export function createBeaconRecorder({ client, view, settings }: WriterContext): BeaconRecorder {
  let last_ms: number | null = null;
  return {
    forget() {
      last_ms = null;
    },
    async record(head) {
      if (last_ms !== null && head.time_ms < last_ms + settings.beacon_interval_ms) return;
      const back = Math.min(settings.confirmations, head.number);
      const block = back === 0 ? head : await readBlock(client, head.number - back);
      if (last_ms !== null && block.time_ms < last_ms + settings.beacon_interval_ms) return;
      view.record({ type: "beacon", number: block.number, hash: block.hash, time_ms: block.time_ms });
      last_ms = block.time_ms;
    },
  };
}
