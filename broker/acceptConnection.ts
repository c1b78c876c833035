import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { Connection } from "aedes";
import type { Identity } from "../protocol/enrol/hostUri.js";
import { identityOfCertificate } from "../protocol/x509/identityOfCertificate.js";
import type { BrokerContext } from "./brokerContext.js";
import type { RefusalReason } from "./createCounters.js";
import { createFrameGuard } from "./createFrameGuard.js";
import { createTokenBucket } from "./createTokenBucket.js";
import { guardSocket } from "./guardSocket.js";
import type { Session } from "./session.js";

/** setTimeout's longest delay. */
const timerLimit_ms = 2 ** 31 - 1;

/**
 * Takes a connection in whose certificate OpenSSL has checked: finds out whose it is, puts limits in front of it and
 * an end to it, and hands it to aedes.
 */
export function acceptConnection(context: BrokerContext, handle: (socket: Connection) => void) {
  const { sessions, counters, limits, log } = context;
  const drop = (socket: TLSSocket, reason: RefusalReason, detail: string): void => {
    counters.refused[reason]++;
    log.warn({ reason, remote: socket.remoteAddress, detail }, "refused");
    socket.destroy();
  };

  return (socket: TLSSocket): void => {
    const certificate = socket.getPeerX509Certificate();
    // A client can be gone by now.
    if (certificate === undefined) {
      socket.destroy();
      return;
    }
    let identity: Identity;
    try {
      identity = identityOfCertificate(certificate.raw);
    } catch (error) {
      drop(socket, "identity_invalid", (error as Error).message);
      return;
    }
    const left_ms = timeLeft_ms(certificate, context);
    if (left_ms <= 0) {
      drop(socket, "certificate_expired", identity.id);
      return;
    }
    if (sessions.countOf(identity) >= limits.connections_per_client) {
      drop(socket, "client_connection_limit", identity.id);
      return;
    }
    const session = createSession(socket, identity);
    sessions.add(session);
    counters.accepted++;
    const end = setTimeout(() => {
      log.info({ role: identity.role, id: identity.id }, "session over: its certificate or its time ran out");
      socket.destroy();
    }, left_ms);
    socket.once("close", () => {
      clearTimeout(end);
      sessions.remove(session);
    });
    limitSocket(session, context);
    handle(socket);
  };
}

/** TLS asks for the certificate's dates at the handshake only; a session must not outlive them. */
function timeLeft_ms(certificate: X509Certificate, { limits, now_ms }: BrokerContext): number {
  const left_ms = Date.parse(certificate.validTo) - now_ms();
  return Math.min(Number.isNaN(left_ms) ? 0 : left_ms, limits.session_ms, timerLimit_ms);
}

function createSession(socket: TLSSocket, identity: Identity): Session {
  return {
    identity,
    socket,
    remote: socket.remoteAddress ?? "",
    routes: new Map(),
    filters: new Set(),
    will: undefined,
    corked: false,
    refused: false,
  };
}

function limitSocket(session: Session, { limits, counters, refuse }: BrokerContext): void {
  guardSocket(
    session.socket,
    createFrameGuard(limits.packet_bytes),
    createTokenBucket(limits.packets_per_s, limits.packets_burst, performance.now()),
    {
      onViolation: (error) => {
        refuse(session, error.code === "PACKET_TOO_LARGE" ? "packet_too_large" : "packet_malformed");
      },
      onThrottle: () => {
        counters.throttled++;
      },
    },
  );
}
