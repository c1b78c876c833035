import type { Spool } from "../spool/spool.js";

/** Which key speaks for each GPU: what the identity file says, moved on by what this agent has signed since. */
export type KeyLedger = {
  /** The enrolled GPUs that are still in service, each with its key in force. */
  inForce(enrolled: readonly { uuid: string; device: string }[]): { uuid: string; device: string }[];
  /** The key that took over, or null. */
  successorOf(device: string): string | null;
  /** The keys that this one came after, latest first. */
  formerOf(device: string): string[];
  /** To be called in the transaction that keeps the rotation: from now on `successor` goes on with the chain. */
  rotated(device: string, successor: string): void;
  /** To be called in the transaction that keeps the retirement. */
  retired(device: string): void;
};

/**
 * Kept in the spool and not in the identity file, so that it changes with the report that says so: no crash lies between.
 */
export function createKeyLedger(spool: Pick<Spool, "meta" | "setMeta" | "head" | "setHead">): KeyLedger {
  const successorOf = (device: string): string | null => spool.meta(`successor:${device}`);
  const current = (device: string): string => {
    let key = device;
    for (let next = successorOf(key); next !== null; next = successorOf(key)) key = next;
    return key;
  };
  return {
    successorOf,
    formerOf(device) {
      const former: string[] = [];
      let key = spool.meta(`predecessor:${device}`);
      for (; key !== null; key = spool.meta(`predecessor:${key}`)) former.push(key);
      return former;
    },
    inForce: (enrolled) =>
      enrolled
        .map(({ uuid, device }) => ({ uuid, device: current(device) }))
        .filter(({ device }) => spool.meta(`retired:${device}`) === null),
    rotated(device, successor) {
      spool.setMeta(`successor:${device}`, successor);
      spool.setMeta(`predecessor:${successor}`, device);
      const head = spool.head(device);
      if (head !== null) spool.setHead(successor, head);
      for (const fact of ["contract", "silicon"]) {
        const known = spool.meta(`${fact}:${device}`);
        if (known !== null) spool.setMeta(`${fact}:${successor}`, known);
      }
    },
    retired: (device) => spool.setMeta(`retired:${device}`, "1"),
  };
}
