import type { Logger } from "pino";
import type { BrokerCounters, RefusalReason } from "./createCounters.js";
import type { Session } from "./session.js";

/** Counts and logs why a session ends. @returns the error to end it with; MQTT 3.1.1 cannot tell the client. */
export type Refuse = (session: Session, reason: RefusalReason, detail?: string) => Error;

export function createRefuse(counters: BrokerCounters, log: Logger): Refuse {
  return (session, reason, detail) => {
    const { identity, remote } = session;
    // What was sent together with the first offence arrives after it; one line and one count are enough.
    if (!session.refused) {
      session.refused = true;
      counters.refused[reason]++;
      // Attacker-controlled: cut for the log.
      log.warn(
        { reason, role: identity.role, id: identity.id, remote, detail: detail?.slice(0, 128) },
        "refused",
      );
    }
    return new Error(reason);
  };
}
