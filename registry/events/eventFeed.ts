import type { KeyObject } from "node:crypto";
import { encodeEnvelope } from "../../protocol/dsse/encodeEnvelope.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { signEnvelope } from "../../protocol/dsse/signEnvelope.js";
import type { CaliberEvent } from "../../protocol/events/healthEvent.js";
import type { Db } from "../store/openDatabase.js";

export type FeedItem = {
  /** Place in the feed: give it as `after` to go on from here. */
  id: number;
  device: string;
  event: CaliberEvent;
  /** The same event as a DSSE envelope by the registry's key: what a reader checks. */
  envelope: string;
};

/** Events in order, as of the last flush, each signed when it is read. */
export type EventFeed = {
  after(id: number, limit: number): FeedItem[];
  lastId(): number;
  /** Calls back after a flush that stored events. */
  onEvents(listener: () => void): () => void;
  notify(): void;
};

export function createEventFeed(db: Db, key: KeyObject, keyid: string): EventFeed {
  type Row = { id: number; device: string; body: string };
  const read = db.prepare<[number, number], Row>(
    `SELECT event.id, device.device, event.body FROM event JOIN device ON device.id = event.device
     WHERE event.id > ? ORDER BY event.id LIMIT ?`,
  );
  const last = db.prepare<[], { id: number }>("SELECT coalesce(max(id), 0) AS id FROM event");
  const listeners = new Set<() => void>();
  return {
    after: (id, limit) =>
      read.all(id, limit).map((row) => {
        const { envelope } = signEnvelope(payloadTypes.event, Buffer.from(row.body), key);
        return {
          id: row.id,
          device: row.device,
          event: JSON.parse(row.body) as CaliberEvent,
          envelope: encodeEnvelope(envelope, keyid).toString(),
        };
      }),
    lastId: () => last.get()!.id,
    onEvents(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    notify() {
      for (const listener of listeners) listener();
    },
  };
}
