import type { AedesOptions } from "aedes";
import { parseTopic } from "../protocol/topics.js";
import type { BrokerContext } from "./brokerContext.js";
import type { Route, Session } from "./session.js";

/** More than the devices of any host: a host that names more topics gets them parsed each time. */
const routeLimit = 128;

/**
 * Judges what a client publishes, and hands it on. This is the only hook of aedes that runs before PUBACK, so a report
 * becomes durable inside it; it is also the broker's hot path. An error ends the session, and nothing else does: a
 * report that is bad in itself is for ingest to answer.
 */
export function authorizePublish(context: BrokerContext): NonNullable<AedesOptions["authorizePublish"]> {
  const { sessions, counters, refuse, onReport, onPresence } = context;
  return (client, packet, done) => {
    const session = client === null ? undefined : sessions.of(client.conn);
    if (session === undefined) {
      done(new Error("gone"));
      return;
    }
    const route = session.routes.get(packet.topic) ?? routeOf(session, packet.topic);
    if (route === null) {
      done(refuse(session, "publish_topic", packet.topic));
    } else if (packet.retain) {
      // A retained message would be handed out later as if it were news.
      done(refuse(session, "publish_retain", packet.topic));
    } else if (packet.qos > 1) {
      done(refuse(session, "publish_qos", packet.topic));
    } else if (route.kind === "report") {
      counters.reports++;
      onReport({ host: route.host, device: route.device, payload: packet.payload as Buffer }).then(
        () => done(null),
        (error: unknown) =>
          done(refuse(session, "ingest_failed", error instanceof Error ? error.message : "")),
      );
    } else {
      // Wills come this way too; those of sessions that the broker itself ends say nothing of the host.
      if (!context.closing) {
        counters.presences++;
        onPresence(route.host, Buffer.from(packet.payload));
      }
      done(null);
    }
  };
}

/** A host publishes its own reports, of any device (whose it is, ingest knows), and its own presence; keepers nothing. */
function routeOf({ identity, routes }: Session, topic: string): Route | null {
  const parsed = identity.role === "host" ? parseTopic(topic) : null;
  if (parsed === null || parsed.kind === "down" || parsed.host !== identity.id) return null;
  if (routes.size < routeLimit) routes.set(topic, parsed);
  return parsed;
}
