import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import { answerEnrolRequest } from "./answerEnrolRequest.js";
import type { EnrolService } from "./enrolService.js";
import type { ServerTls } from "./issueServerCertificate.js";

export type EnrolListenerOptions = {
  service: EnrolService;
  tls: ServerTls;
  bind: string;
  /** 0 takes a free one. */
  port: number;
  log: Logger;
  limits?: Partial<EnrolLimits>;
};

export type EnrolLimits = {
  connections: number;
  /** For a TLS handshake, and for the head of a request. */
  headers_ms: number;
  /** For a whole request. */
  request_ms: number;
};

export type EnrolListener = { port: number; close(): Promise<void> };

const defaults: EnrolLimits = { connections: 256, headers_ms: 5_000, request_ms: 15_000 };

/**
 * Enrolment over HTTPS, on a port of its own, open to anyone who holds a token: `GET /v1/ca`, `GET /v1/nonce`,
 * `POST /v1/tpm-challenge`, `POST /v1/enrol`, `POST /v1/renew`. Errors are `{code, message}`.
 */
export async function enrolListener(options: EnrolListenerOptions): Promise<EnrolListener> {
  const { service, tls, bind, port, log } = options;
  const limits = { ...defaults, ...options.limits };
  const server = createServer(
    {
      key: tls.key,
      cert: tls.cert,
      minVersion: "TLSv1.2",
      handshakeTimeout: limits.headers_ms,
      headersTimeout: limits.headers_ms,
      requestTimeout: limits.request_ms,
      // How often Node looks for requests past their time.
      connectionsCheckingInterval: Math.min(1_000, limits.headers_ms),
      keepAliveTimeout: 5_000,
      maxHeaderSize: 8_192,
    },
    (request, response) => {
      answerEnrolRequest(request, response, service, log);
    },
  );
  server.maxConnections = limits.connections;
  server.maxRequestsPerSocket = 100;
  server.on("tlsClientError", (error, socket) => {
    log.debug({ code: (error as NodeJS.ErrnoException).code, remote: socket.remoteAddress }, "TLS refused");
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, bind, () => {
      server.off("error", reject);
      // From here on a failed accept (say, out of file descriptors) costs one connection and no more.
      server.on("error", (error) => log.error({ err: error.message }, "enrolment: accept failed"));
      resolve();
    });
  });
  return { port: (server.address() as AddressInfo).port, close: () => closeServer(server) };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}
