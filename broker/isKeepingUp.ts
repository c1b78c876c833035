import type { BrokerContext } from "./brokerContext.js";
import type { Session } from "./session.js";

/** Whether a client reads what it is sent. One that has left too much waiting loses its connection here. */
export function isKeepingUp(session: Session, { limits, refuse }: BrokerContext): boolean {
  if (session.socket.writableLength <= limits.unsent_bytes) return true;
  session.socket.destroy(refuse(session, "unsent"));
  return false;
}
