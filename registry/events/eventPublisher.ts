import type { Logger } from "pino";
import { eventTopic } from "../../protocol/topics.js";
import type { Db } from "../store/openDatabase.js";
import type { EventFeed } from "./eventFeed.js";

export type EventPublisher = { stop(): Promise<void> };

const sink = "mqtt";
const batch = 100;
const retry_ms = 1000;

/**
 * Carries events from the outbox to MQTT: in order, at least once. The cursor moves after the broker has taken an
 * event, so that a crash in between sends it again with the same id.
 */
export function startEventPublisher(options: {
  db: Db;
  feed: EventFeed;
  publish: (topic: string, payload: Buffer) => Promise<void>;
  log: Logger;
}): EventPublisher {
  const { db, feed, publish, log } = options;
  const load = db.prepare<[string], { event_id: number }>("SELECT event_id FROM delivery WHERE sink = ?");
  const save = db.prepare(
    "INSERT INTO delivery VALUES (?, ?) ON CONFLICT (sink) DO UPDATE SET event_id = excluded.event_id",
  );
  let cursor = load.get(sink)?.event_id ?? 0;
  let running: Promise<void> | null = null;
  let retry: NodeJS.Timeout | undefined;
  let stopped = false;

  const drain = async (): Promise<void> => {
    for (
      let items = feed.after(cursor, batch);
      items.length > 0 && !stopped;
      items = feed.after(cursor, batch)
    ) {
      for (const item of items) {
        await publish(eventTopic(item.device), Buffer.from(item.envelope));
        cursor = item.id;
      }
      save.run(sink, cursor);
    }
  };
  const wake = (): void => {
    if (running !== null || stopped) return;
    clearTimeout(retry);
    let failed = false;
    // Begun on a later turn: what publishing sets off may wake us again before `running` is set.
    running = Promise.resolve()
      .then(drain)
      .catch((error: unknown) => {
        failed = true;
        log.warn({ err: error }, "events wait: the broker did not take one");
      })
      .finally(() => {
        running = null;
        if (stopped) return;
        if (failed) retry = setTimeout(wake, retry_ms);
        // An event may have come after the last look and before the end.
        else if (feed.lastId() > cursor) wake();
      });
  };
  const off = feed.onEvents(wake);
  wake();
  return {
    async stop() {
      stopped = true;
      off();
      clearTimeout(retry);
      await running;
    },
  };
}
