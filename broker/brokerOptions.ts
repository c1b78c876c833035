import type { Logger } from "pino";
import type { Identity } from "../protocol/enrol/hostUri.js";
import type { BrokerLimits } from "./brokerLimits.js";

export type BrokerOptions = {
  /** PEM: the server's key and chain, and the CA that clients must be certified by. */
  tls: { key: string; cert: string; ca: string };
  bind: string;
  /** 0 takes a free one. */
  port: number;
  limits?: Partial<BrokerLimits>;
  /** Asked at each connect: who is revoked or unknown is refused. */
  isAllowed(identity: Identity): boolean;
  /** Resolves when the report is durable; PUBACK follows. When it rejects, the client is disconnected without one. */
  onReport(message: { host: string; device: string; payload: Buffer }): Promise<void>;
  /** Unsigned, a hint and never evidence. */
  onPresence(host: string, payload: Buffer): void;
  log: Logger;
  now_ms(): number;
};
