import type { TLSSocket } from "node:tls";
import type { Client, ConnectPacket } from "aedes";
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
  /** aedes' side, once CONNECT was accepted. */
  client: Client | null;
  /** A reason was counted and logged already. */
  refused: boolean;
};
