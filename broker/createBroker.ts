import { constants } from "node:crypto";
import type { AddressInfo, Socket } from "node:net";
import { createServer, type Server } from "node:tls";
import type { Aedes } from "aedes";
import { downTopic } from "../protocol/topics.js";
import { acceptConnection } from "./acceptConnection.js";
import type { BrokerContext } from "./brokerContext.js";
import { defaultBrokerLimits } from "./brokerLimits.js";
import type { BrokerOptions } from "./brokerOptions.js";
import { createAedes } from "./createAedes.js";
import { type BrokerCounters, createCounters } from "./createCounters.js";
import { createRefuse } from "./createRefuse.js";
import { createSessions } from "./createSessions.js";
import { isKeepingUp } from "./isKeepingUp.js";
import { writeDown } from "./writeDown.js";

export type Broker = {
  port: number;
  /** Hands a message to a host that listens, at most once; who misses it asks for its heads when it is back. */
  sendDown(host: string, payload: Buffer): void;
  /** Hands an event to the keepers that are there; resolves without waiting for any of them. */
  publishEvent(topic: string, payload: Buffer): Promise<void>;
  /** Ends all connections of a host, say because it was revoked. */
  disconnect(host: string): void;
  connections(): number;
  metrics(): BrokerCounters & { connections: number };
  close(): Promise<void>;
};

/**
 * The embedded MQTT 3.1.1 broker: mutual TLS, identity from the certificate's single URI, and nothing allowed but what
 * the topics in protocol/topics.ts need.
 */
export async function createBroker(options: BrokerOptions): Promise<Broker> {
  const counters = createCounters();
  const context: BrokerContext = {
    ...options,
    limits: { ...defaultBrokerLimits, ...options.limits },
    counters,
    sessions: createSessions(),
    refuse: createRefuse(counters, options.log),
    closing: false,
  };
  const { sessions } = context;
  const aedes = await createAedes(context);
  const server = createTlsServer(context, aedes);
  const sockets = trackSockets(server);
  await listen(server, options);

  return {
    port: (server.address() as AddressInfo).port,
    sendDown(host, payload) {
      const session = sessions.holder(host);
      const topic = downTopic(host);
      if (
        session?.identity.role !== "host" ||
        !session.filters.has(topic) ||
        !isKeepingUp(session, context)
      ) {
        counters.down_unheard++;
        return;
      }
      counters.down_sent++;
      writeDown(session, topic, payload);
    },
    publishEvent: (topic, payload) =>
      new Promise((resolve, reject) => {
        aedes.publish({ cmd: "publish", topic, payload, qos: 1, retain: false, dup: false }, (error) => {
          if (error) return reject(error);
          counters.events_sent++;
          resolve();
        });
      }),
    disconnect(host) {
      for (const { socket } of sessions.allOf({ role: "host", id: host })) socket.destroy();
    },
    connections: sessions.size,
    metrics: () => ({ ...counters, refused: { ...counters.refused }, connections: sessions.size() }),
    async close() {
      context.closing = true;
      const closed = new Promise((resolve) => server.close(resolve));
      await new Promise<void>((resolve) => aedes.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function createTlsServer(context: BrokerContext, aedes: Aedes): Server {
  const { tls, limits, counters, log } = context;
  const server = createServer(
    {
      ...tls,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: "TLSv1.2",
      // A resumed session is not checked against the certificate's dates again.
      secureOptions: constants.SSL_OP_NO_TICKET,
      handshakeTimeout: limits.connect_ms,
      noDelay: true,
    },
    acceptConnection(context, (socket) => aedes.handle(socket)),
  );
  server.maxConnections = limits.connections;
  server.on("drop", () => {
    counters.refused.connection_limit++;
  });
  server.on("tlsClientError", (error, socket) => {
    counters.refused.tls++;
    log.debug({ code: (error as NodeJS.ErrnoException).code, remote: socket.remoteAddress }, "TLS refused");
    socket.destroy();
  });
  return server;
}

/** Also those that have not finished, or even begun, a handshake: `close` would wait for them. */
function trackSockets(server: Server): Set<Socket> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return sockets;
}

function listen(server: Server, { port, bind, log }: BrokerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, bind, () => {
      server.off("error", reject);
      // From here on a failed accept (say, out of file descriptors) costs one connection and no more.
      server.on("error", (error) => log.error({ err: error.message }, "broker: accept failed"));
      resolve();
    });
  });
}
