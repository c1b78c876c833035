import type { TLSSocket } from "node:tls";
import type { ConnectPacket } from "aedes";
import type { Identity } from "../protocol/enrol/hostUri.js";

/** Where a host's publish goes. */
export type Route = { kind: "report"; host: string; device: string } | { kind: "presence"; host: string };

/** One TLS connection of one identity. */
export type Session = {
  readonly identity: Identity;
  readonly socket: TLSSocket;
  readonly remote: string;
  /** Topics this host has published to: parsed once, as a report's is the same each time. */
  readonly routes: Map<string, Route>;
  readonly filters: Set<string>;
  /** Set by CONNECT, judged with the rest of it. */
  will: ConnectPacket["will"];
  /** Writes are held back until the end of this turn of the event loop. */
  corked: boolean;
  /** A reason was counted and logged already. */
  refused: boolean;
};
