import type { AedesOptions } from "aedes";
import { presenceTopic } from "../protocol/topics.js";
import type { BrokerContext } from "./brokerContext.js";
import type { RefusalReason } from "./createCounters.js";
import type { Session } from "./session.js";

const willLimit_bytes = 512;
/** CONNACK "not authorized" (MQTT 3.1.1, 3.2.2.3). */
const notAuthorized = 5;

/**
 * Judges CONNECT. The certificate has said who this is; the client id must say the same, or one host could take
 * another's session over. Refusals go through here because aedes leaves the socket open when `preConnect` refuses.
 */
export function authenticate(context: BrokerContext): NonNullable<AedesOptions["authenticate"]> {
  return (client, _username, _password, done) => {
    const session = context.sessions.of(client.conn);
    // The socket closed while CONNECT waited its turn.
    if (session === undefined) {
      done(Object.assign(new Error("gone"), { returnCode: notAuthorized }), false);
      return;
    }
    const reason = faultOf(session, client.id, context);
    if (reason === null) done(null, true);
    else
      done(Object.assign(context.refuse(session, reason, client.id), { returnCode: notAuthorized }), false);
  };
}

function faultOf(session: Session, clientId: string, context: BrokerContext): RefusalReason | null {
  const { identity, will } = session;
  if (clientId !== identity.id) return "client_id";
  const holder = context.sessions.holder(clientId);
  if (holder !== undefined && holder.identity.role !== identity.role) return "client_id_taken";
  if (will != null && !isOwnPresence(session, will)) return "will";
  return context.isAllowed(identity) ? null : "not_allowed";
}

function isOwnPresence({ identity }: Session, will: NonNullable<Session["will"]>): boolean {
  return (
    identity.role === "host" &&
    will.topic === presenceTopic(identity.id) &&
    !will.retain &&
    (will.qos ?? 0) <= 1 &&
    will.payload.length <= willLimit_bytes
  );
}
