import type { Connection } from "aedes";
import type { Session } from "./session.js";

export type Sessions = {
  add(session: Session): void;
  /** The session of a connection that aedes hands back, also after its end. */
  of(connection: Connection): Session | undefined;
  /** All sessions of an identity, connected or about to be. */
  allOf(identity: Session["identity"]): Iterable<Session>;
  countOf(identity: Session["identity"]): number;
  /** The session that holds a client id, once its CONNECT was accepted. */
  holder(clientId: string): Session | undefined;
  hold(session: Session): void;
  remove(session: Session): void;
  size(): number;
};

const nameOf = ({ role, id }: Session["identity"]): string => `${role}:${id}`;

/**
 * Who is connected. aedes' own table is not used for this: when a client is back before its last session has finished
 * closing, the end of the old one removes the new one from it.
 */
export function createSessions(): Sessions {
  // Outlives the session's end: aedes publishes a will after its connection has closed.
  const byConnection = new WeakMap<Connection, Session>();
  const live = new Set<Session>();
  const byIdentity = new Map<string, Set<Session>>();
  const holders = new Map<string, Session>();
  return {
    add(session) {
      byConnection.set(session.socket, session);
      live.add(session);
      const name = nameOf(session.identity);
      byIdentity.set(name, (byIdentity.get(name) ?? new Set()).add(session));
    },
    of: (connection) => byConnection.get(connection),
    allOf: (identity) => [...(byIdentity.get(nameOf(identity)) ?? [])],
    countOf: (identity) => byIdentity.get(nameOf(identity))?.size ?? 0,
    holder: (clientId) => holders.get(clientId),
    hold: (session) => void holders.set(session.identity.id, session),
    remove(session) {
      live.delete(session);
      const name = nameOf(session.identity);
      const others = byIdentity.get(name);
      others?.delete(session);
      if (others?.size === 0) byIdentity.delete(name);
      if (holders.get(session.identity.id) === session) holders.delete(session.identity.id);
    },
    size: () => live.size,
  };
}
