import type { IncomingMessage, ServerResponse } from "node:http";
import type { EventFeed } from "../events/eventFeed.js";
import { answerHeaders } from "./answerHeaders.js";
import { HttpError } from "./httpError.js";
import { integerOf } from "./integerOf.js";

const batch = 100;
const heartbeat_ms = 15_000;
/** A flush signs its events once for each stream. */
const mostStreams = 64;

/**
 * Server-sent events from `Last-Event-ID` (or `?after=`) on: the data is the signed envelope. A reader that is too
 * slow is waited for, one batch at a time, and never makes the registry buffer.
 *
 * @throws HttpError 400 QUERY_INVALID, 503 TOO_MANY_STREAMS
 */
export function streamEvents(
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
  feed: EventFeed,
  streams: Set<() => void>,
): void {
  // What a browser sends as it reconnects outranks the address that it was given once.
  const lastId = request.headers["last-event-id"]?.toString();
  let cursor =
    lastId === undefined ? integerOf("after", query.get("after"), 0) : integerOf("Last-Event-ID", lastId, 0);
  if (streams.size >= mostStreams) {
    throw new HttpError(503, "TOO_MANY_STREAMS", `${mostStreams} streams are open already`);
  }
  let waiting = false;
  response.writeHead(200, { ...answerHeaders, "content-type": "text/event-stream" });
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
