/** Why a connection was refused or ended. Stable: these are metric labels. */
export type RefusalReason =
  | "tls"
  | "connection_limit"
  | "client_connection_limit"
  | "identity_invalid"
  | "certificate_expired"
  | "client_id"
  | "client_id_taken"
  | "not_allowed"
  | "will"
  | "publish_topic"
  | "publish_retain"
  | "publish_qos"
  | "subscribe_filter"
  | "packet_too_large"
  | "packet_malformed"
  | "protocol"
  | "unsent"
  | "ingest_failed";

export type BrokerCounters = {
  /** TLS connections with a valid identity. */
  accepted: number;
  reports: number;
  presences: number;
  down_sent: number;
  /** Messages to a host that is not connected or not subscribed. */
  down_unheard: number;
  events_sent: number;
  /** Reads that were put off because a client sent too fast. */
  throttled: number;
  refused: Record<RefusalReason, number>;
};

export function createCounters(): BrokerCounters {
  return {
    accepted: 0,
    reports: 0,
    presences: 0,
    down_sent: 0,
    down_unheard: 0,
    events_sent: 0,
    throttled: 0,
    refused: {
      tls: 0,
      connection_limit: 0,
      client_connection_limit: 0,
      identity_invalid: 0,
      certificate_expired: 0,
      client_id: 0,
      client_id_taken: 0,
      not_allowed: 0,
      will: 0,
      publish_topic: 0,
      publish_retain: 0,
      publish_qos: 0,
      subscribe_filter: 0,
      packet_too_large: 0,
      packet_malformed: 0,
      protocol: 0,
      unsent: 0,
      ingest_failed: 0,
    },
  };
}
