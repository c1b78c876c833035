import { parsePresence } from "../../protocol/presence.js";

/** A host asks once when it connects; one that asks all the time must not cost the others anything. */
const spacing_ms = 1000;

/**
 * Answers a host's presence message with what it needs to go on, once the reports that came before it are durable.
 * Asking again within a second is not answered: the agent asks until it is.
 */
export function createGreeter(options: {
  now_ms: () => number;
  afterCommit: (done: () => void) => void;
  answer: (host: string, nonce: string) => void;
}): (host: string, payload: Buffer) => void {
  const { now_ms, afterCommit, answer } = options;
  const last_ms = new Map<string, number>();
  return (host, payload) => {
    const presence = parsePresence(payload);
    if (presence?.state !== "online") return;
    const before_ms = last_ms.get(host);
    if (before_ms !== undefined && Math.abs(now_ms() - before_ms) < spacing_ms) return;
    last_ms.set(host, now_ms());
    afterCommit(() => answer(host, presence.nonce));
  };
}
