import { Readable } from "node:stream";

const none = async (): Promise<void> => undefined;
const nothing = Promise.resolve([]);
const empty = (): Readable => Readable.from([]);

/**
 * aedes' persistence port, keeping nothing: all sessions are clean, nothing is retained, QoS 2 is refused, and a will
 * lives in its session. Reports are durable in the registry's log or not at all; a second copy in memory would only
 * grow. Its members are those that aedes 1.2 calls (aedes-persistence, abstract.js).
 */
export const noPersistence = () => ({
  // aedes looks for an AsyncFunction by its constructor.
  setup: async (): Promise<void> => undefined,
  destroy: none,
  subscriptionsByTopic: () => nothing,
  subscriptionsByClient: () => nothing,
  cleanSubscriptions: none,
  addSubscriptions: none,
  removeSubscriptions: none,
  createRetainedStreamCombi: empty,
  outgoingStream: empty,
  outgoingEnqueueCombi: none,
  outgoingUpdate: none,
  outgoingClearMessageId: none,
  cleanIncoming: none,
  putWill: none,
  delWill: none,
  streamWill: empty,
});
