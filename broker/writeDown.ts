import { encodePublish } from "./encodePublish.js";
import type { Session } from "./session.js";

/**
 * Writes a QoS 0 message straight to a session's socket: there is no state about it that aedes would keep, and its way
 * costs half as much again. What else is written to the socket in this turn of the event loop, PUBACKs above all, leaves
 * in the same TLS record and system call.
 */
export function writeDown(session: Session, topic: string, payload: Buffer): void {
  const { socket } = session;
  if (!session.corked) {
    session.corked = true;
    socket.cork();
    setImmediate(uncork, session);
  }
  socket.write(encodePublish(topic, payload));
}

function uncork(session: Session): void {
  session.corked = false;
  session.socket.uncork();
}
