import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import type { EventFeed } from "../events/eventFeed.js";
import { answerHeaders } from "./answerHeaders.js";
import type { ApiTokens } from "./apiTokens.js";
import { faultFacts } from "./faultFacts.js";
import { HttpError } from "./httpError.js";
import type { Route } from "./routes.js";
import { streamEvents } from "./streamEvents.js";

export type ApiServer = { port: number; close(): Promise<void> };

/** Serves the read API: GET alone, a bearer token for all but `/healthz`, on loopback unless told otherwise. */
export function startApiServer(options: {
  bind: string;
  port: number;
  routes: Route[];
  tokens: ApiTokens;
  feed: EventFeed;
  log: Logger;
}): Promise<ApiServer> {
  const { routes, tokens, feed, log } = options;
  const streams = new Set<() => void>();

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== "GET") throw new HttpError(405, "METHOD_NOT_ALLOWED", "this API is read with GET");
    const url = targetOf(request);
    const path = url.pathname;
    for (const route of routes) {
      const match = route.pattern.exec(path);
      if (match === null) continue;
      if (route.open !== true) authorize(request, tokens);
      if (path === "/v1/events" && request.headers.accept?.includes("text/event-stream") === true) {
        streamEvents(request, response, url.searchParams, feed, streams);
        return;
      }
      const { status, type, body, fault } = await route.handle(
        { path, query: url.searchParams },
        match.slice(1),
      );
      if (fault !== undefined) log.warn({ err: faultFacts(fault), path }, "answered without a part");
      response.writeHead(status, { ...answerHeaders, "content-type": type }).end(body);
      return;
    }
    throw new HttpError(404, "NOT_FOUND", "no such resource");
  };

  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, (request, response) => {
    answer(request, response).catch((error: unknown) => {
      const known = error instanceof HttpError;
      if (!known) log.error({ err: faultFacts(error), path: request.url?.split("?")[0] }, "a request failed");
      if (response.headersSent) {
        response.destroy();
        return;
      }
      const { status, code, message } = known ? error : new HttpError(500, "INTERNAL", "internal error");
      // RFC 9110 wants both: how to get in, and what is allowed instead.
      const advice = { 401: { "www-authenticate": "Bearer" }, 405: { allow: "GET" } }[status] ?? {};
      response
        .writeHead(status, { ...answerHeaders, ...advice, "content-type": "application/json" })
        .end(`${JSON.stringify({ code, message })}\n`);
    });
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.bind, () => {
      server.off("error", reject);
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () =>
          new Promise((done) => {
            for (const end of streams) end();
            server.close(() => done());
            server.closeAllConnections();
          }),
      });
    });
  });
}

/** A request's target need not be a URL, or one of ours: `//` is none, and `http://other/…` is for a proxy. */
function targetOf(request: IncomingMessage): URL {
  try {
    return new URL(request.url ?? "/", "http://localhost");
  } catch {
    throw new HttpError(404, "NOT_FOUND", "no such resource");
  }
}

function authorize(request: IncomingMessage, tokens: ApiTokens): void {
  const given = /^Bearer (\S{1,200})$/.exec(request.headers.authorization ?? "")?.[1];
  if (given === undefined || !tokens.isKnown(given)) {
    throw new HttpError(401, "TOKEN_REQUIRED", "give a read token: Authorization: Bearer …");
  }
}
