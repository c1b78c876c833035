import type { BrokerLimits } from "./brokerLimits.js";
import type { BrokerOptions } from "./brokerOptions.js";
import type { BrokerCounters } from "./createCounters.js";
import type { Refuse } from "./createRefuse.js";
import type { Sessions } from "./createSessions.js";

/** What the broker's parts share. */
export type BrokerContext = Omit<BrokerOptions, "limits"> & {
  limits: BrokerLimits;
  counters: BrokerCounters;
  sessions: Sessions;
  refuse: Refuse;
  /** True from the moment that `close` is called: wills of the sessions it ends mean nothing. */
  closing: boolean;
};
