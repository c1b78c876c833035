/** What one client, and all of them, may take of the broker. */
export type BrokerLimits = {
  /** Length that a packet may declare in its fixed header. */
  packet_bytes: number;
  connections: number;
  connections_per_client: number;
  /** Packets a client may send in the long run; a client that sends more is read more slowly. */
  packets_per_s: number;
  /** Packets a client may send at once, say when it empties its spool. */
  packets_burst: number;
  /** Longest keep-alive that a client may ask for; one is needed. */
  keepalive_s: number;
  /** For the TLS handshake, and again for CONNECT. */
  connect_ms: number;
  /** A session ends then at the latest, or when its certificate runs out. */
  session_ms: number;
  /** What may wait for a client that does not read; then it is disconnected. */
  unsent_bytes: number;
  /** How long a client may leave its buffers full. */
  drain_ms: number;
};

export const defaultBrokerLimits: BrokerLimits = {
  packet_bytes: 64 * 1024,
  connections: 2_000,
  connections_per_client: 4,
  packets_per_s: 1_000,
  packets_burst: 4_000,
  keepalive_s: 300,
  connect_ms: 10_000,
  session_ms: 24 * 3_600_000,
  unsent_bytes: 1024 * 1024,
  drain_ms: 15_000,
};
