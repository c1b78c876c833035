import type { AedesPublishPacket } from "aedes";

type Deliver = (packet: AedesPublishPacket, done: () => void) => void;

/** aedes' `mq` port, for the few kinds of filters that this broker grants. */
export type Router = {
  on(filter: string, deliver: Deliver, done?: () => void): Router;
  removeListener(filter: string, deliver: Deliver, done?: () => void): Router;
  emit(packet: AedesPublishPacket, done?: () => void): Router;
  close(done: () => void): void;
};

const ignore = (): void => undefined;

/**
 * Routes a message to its subscribers: exact names, and filters that end in `/#`. Unlike mqemitter it never waits for
 * a subscriber, so that a stalled one holds nobody up (what waits for it is bounded at its socket), and it takes no
 * time for reports, which nobody may subscribe to.
 */
export function createRouter(): Router {
  const listeners = new Map<string, Set<Deliver>>();
  let closed = false;

  const deliver = (filter: string, packet: AedesPublishPacket): void => {
    for (const listener of listeners.get(filter) ?? []) listener(packet, ignore);
  };

  return {
    on(filter, listener, done) {
      // aedes' own listeners serve clusters of brokers: there is one broker here.
      if (!filter.startsWith("$SYS/")) {
        const set = listeners.get(filter) ?? new Set();
        listeners.set(filter, set.add(listener));
      }
      if (done) setImmediate(done);
      return this;
    },
    removeListener(filter, listener, done) {
      const set = listeners.get(filter);
      set?.delete(listener);
      if (set?.size === 0) listeners.delete(filter);
      if (done) setImmediate(done);
      return this;
    },
    emit(packet, done = ignore) {
      const { topic } = packet;
      if (closed || listeners.size === 0 || topic.endsWith("/report") || topic.startsWith("$")) {
        done();
        return this;
      }
      deliver(topic, packet);
      // "a/b/#" also matches "a/b" (MQTT 3.1.1, 4.7.1.2).
      for (let at = topic.length; at > 0; at = topic.lastIndexOf("/", at - 1)) {
        deliver(`${topic.slice(0, at)}/#`, packet);
      }
      done();
      return this;
    },
    close(done) {
      closed = true;
      listeners.clear();
      setImmediate(done);
    },
  };
}
