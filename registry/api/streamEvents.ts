import type { IncomingMessage, ServerResponse } from "node:http";
import type { EventFeed } from "../events/eventFeed.js";

const batch = 100;
const heartbeat_ms = 15_000;

/**
 * Server-sent events from `Last-Event-ID` (or `?after=`) on: the data is the signed envelope. A reader that is too
 * slow is waited for, one batch at a time, and never makes the registry buffer.
 */
export function streamEvents(
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
  feed: EventFeed,
  streams: Set<() => void>,
): void {
  const from = Number(request.headers["last-event-id"] ?? query.get("after") ?? 0);
  let cursor = Number.isSafeInteger(from) && from >= 0 ? from : 0;
  let waiting = false;
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  response.write(": caliber events\n\n");

  const pump = (): void => {
    while (!waiting && !response.writableEnded) {
      const items = feed.after(cursor, batch);
      if (items.length === 0) return;
      const text = items.map(
        ({ id, event, envelope }) => `id: ${id}\nevent: ${event.type}\ndata: ${envelope}\n\n`,
      );
      cursor = items.at(-1)!.id;
      waiting = !response.write(text.join(""));
    }
  };
  const heartbeat = setInterval(() => response.write(": \n\n"), heartbeat_ms);
  const off = feed.onEvents(pump);
  const end = (): void => {
    clearInterval(heartbeat);
    off();
    streams.delete(end);
    response.end();
  };
  streams.add(end);
  response.on("drain", () => {
    waiting = false;
    pump();
  });
  response.on("close", end);
  pump();
}
