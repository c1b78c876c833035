import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import { CaliberError } from "../../protocol/errors.js";
import { readBody } from "../enrol/readBody.js";
import type { EventFeed } from "../events/eventFeed.js";
import { answerHeaders } from "./answerHeaders.js";
import type { ApiScope, ApiTokens } from "./apiTokens.js";
import { faultFacts } from "./faultFacts.js";
import { HttpError } from "./httpError.js";
import type { Route } from "./routes.js";
import { streamEvents } from "./streamEvents.js";

/** Terms of a loan on hundreds of GPUs are some tens of kB. */
const body_max_bytes = 262_144;

export type ApiServer = { port: number; close(): Promise<void> };

/** Serves the API: a bearer token for all but `/healthz`, on loopback unless told otherwise. */
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
    const url = targetOf(request);
    const path = url.pathname;
    const route = routes.find(({ pattern }) => pattern.test(path));
    const method = route?.method ?? "GET";
    if (request.method !== method) {
      throw new HttpError(405, "METHOD_NOT_ALLOWED", `this is asked with ${method}`, { allow: method });
    }
    if (route === undefined) throw new HttpError(404, "NOT_FOUND", "no such resource");
    if (route.open !== true) authorize(request, tokens, method === "POST" ? "approve" : "read");
    if (path === "/v1/events" && request.headers.accept?.includes("text/event-stream") === true) {
      streamEvents(request, response, url.searchParams, feed, streams);
      return;
    }
    const body = method === "POST" ? { body: await bodyOf(request) } : {};
    const asked = { path, query: url.searchParams, ...body };
    const { status, type, body: text, fault } = await route.handle(asked, route.pattern.exec(path)!.slice(1));
    if (fault !== undefined) log.warn({ err: faultFacts(fault), path }, "answered without a part");
    response.writeHead(status, { ...answerHeaders, "content-type": type }).end(text);
  };

  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, (request, response) => {
    answer(request, response).catch((error: unknown) => {
      const known = error instanceof HttpError;
      if (!known) log.error({ err: faultFacts(error), path: request.url?.split("?")[0] }, "a request failed");
      if (response.headersSent) {
        response.destroy();
        return;
      }
      const { status, code, message, headers } = known
        ? error
        : new HttpError(500, "INTERNAL", "internal error");
      response
        .writeHead(status, { ...answerHeaders, ...headers, "content-type": "application/json" })
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

// RFC 9110 and 6750 want it said: how to get in, and what a token lacks.
function authorize(request: IncomingMessage, tokens: ApiTokens, scope: ApiScope): void {
  const given = /^Bearer (\S{1,200})$/.exec(request.headers.authorization ?? "")?.[1];
  const has = given === undefined ? null : tokens.scopeOf(given);
  if (has === null) {
    throw new HttpError(401, "TOKEN_REQUIRED", `give a ${scope} token: Authorization: Bearer …`, {
      "www-authenticate": "Bearer",
    });
  }
  if (has !== scope) {
    throw new HttpError(403, "SCOPE_MISSING", `this wants a ${scope} token, the one given is for: ${has}`, {
      "www-authenticate": `Bearer error="insufficient_scope", scope="${scope}"`,
    });
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  try {
    return await readBody(request, body_max_bytes);
  } catch (error) {
    if (CaliberError.find(error, "BODY_TOO_LARGE") !== undefined) {
      throw new HttpError(413, "BODY_TOO_LARGE", `a request has at most ${body_max_bytes} bytes`, {
        connection: "close",
      });
    }
    throw new HttpError(400, "BODY_INCOMPLETE", "the request ended early");
  }
}
