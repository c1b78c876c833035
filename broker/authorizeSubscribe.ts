import type { AedesOptions } from "aedes";
import { downTopic, topicRoot } from "../protocol/topics.js";
import type { BrokerContext } from "./brokerContext.js";
import type { Session } from "./session.js";

const filterLimit = 16;
const eventsRoot = `${topicRoot}/events/`;

/**
 * A host subscribes to exactly its own down topic; a keeper to event topics, all or below one level (`…/#`). The rest
 * ends the session: other hosts' topics, `$SYS`, `+`, and `$share`, which aedes would grant and never serve.
 */
export function authorizeSubscribe(context: BrokerContext): NonNullable<AedesOptions["authorizeSubscribe"]> {
  return (client, subscription, done) => {
    const session = context.sessions.of(client.conn);
    if (session === undefined) {
      done(new Error("gone"));
      return;
    }
    const { topic } = subscription;
    if (!isGranted(session, topic) || (session.filters.size >= filterLimit && !session.filters.has(topic))) {
      done(context.refuse(session, "subscribe_filter", topic));
      return;
    }
    session.filters.add(topic);
    done(null, subscription);
  };
}

function isGranted({ identity }: Session, filter: string): boolean {
  if (identity.role === "host") return filter === downTopic(identity.id);
  const below = filter.startsWith(eventsRoot) ? filter.slice(eventsRoot.length) : "";
  return /^(?:[^#+/$]+\/)*(?:#|[^#+/$]+)$/.test(below) && below.length <= 256;
}
