import { Aedes, type Client, type PublishPacket } from "aedes";
import { authenticate } from "./authenticate.js";
import { authorizePublish } from "./authorizePublish.js";
import { authorizeSubscribe } from "./authorizeSubscribe.js";
import type { BrokerContext } from "./brokerContext.js";
import { createRouter } from "./createRouter.js";
import { isKeepingUp } from "./isKeepingUp.js";
import { noPersistence } from "./noPersistence.js";

type Done = (error?: Error) => void;
type Publish = (packet: PublishPacket, client: Client | null | Done, done?: Done) => void;

/** aedes with our rules in its hooks, our router and no persistence. */
export async function createAedes(context: BrokerContext): Promise<Aedes> {
  const { limits, sessions, log, refuse } = context;
  const aedes = await Aedes.createBroker({
    mq: createRouter(),
    persistence: noPersistence(),
    connectTimeout: limits.connect_ms,
    keepaliveLimit: limits.keepalive_s,
    drainTimeout: limits.drain_ms,
    maxTopicLevels: 16,
    preConnect(client, packet, done) {
      // Nothing is kept for those who are away: what they miss, the log has and the next head tells.
      packet.clean = true;
      const session = sessions.of(client.conn);
      if (session) session.will = packet.will;
      done(null, true);
    },
    authenticate: authenticate(context),
    authorizePublish: authorizePublish(context),
    authorizeSubscribe: authorizeSubscribe(context),
    authorizeForward(client, packet) {
      const session = sessions.of(client.conn);
      if (session === undefined) return null;
      return isKeepingUp(session, context) ? packet : null;
    },
  });
  const route = aedes.publish.bind(aedes) as Publish;
  // What clients publish is the registry's alone, and authorizePublish has handed it on: there is nobody to route it to.
  const publish: Publish = (packet, client, done) => {
    if (client === null || typeof client === "function") route(packet, client, done);
    else done?.();
  };
  aedes.publish = publish as Aedes["publish"];
  aedes.on("clientReady", (client) => {
    const session = sessions.of(client.conn);
    if (session !== undefined) sessions.hold(session);
  });
  aedes.on("unsubscribe", (filters, client) => {
    for (const filter of filters) sessions.of(client.conn)?.filters.delete(filter);
  });
  const onFault = (
    client: { conn: Parameters<Aedes["handle"]>[0] },
    error: Error & { code?: string },
  ): void => {
    const session = sessions.of(client.conn);
    // Errors with a code are the network's: a lost connection offends nobody.
    if (session !== undefined && error.code === undefined) refuse(session, "protocol", error.message);
  };
  aedes.on("clientError", onFault);
  aedes.on("connectionError", onFault);
  aedes.on(
    "error" as "closed",
    ((error: Error) => log.error({ err: error.message }, "broker")) as () => void,
  );
  return aedes;
}
