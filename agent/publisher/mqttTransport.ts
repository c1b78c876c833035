import { connect, type MqttClient } from "mqtt";
import { CaliberError } from "../../protocol/errors.js";
import { downTopic, presenceTopic } from "../../protocol/topics.js";
import type { Connection, Transport } from "./transport.js";

const connect_timeout_ms = 10_000;
const close_timeout_ms = 250;

/**
 * MQTT 3.1.1 over mutual TLS, one client a connection: the client's own queues and stores die with it, since only the
 * spool remembers (mqtt.js can lose what it replays at a reconnect).
 */
export const mqttTransport: Transport = (session, listener) => {
  const { hostname, port } = new URL(session.url);
  const client = connect({
    protocol: "mqtts",
    host: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port || 8883),
    ca: session.ca,
    cert: session.certificate,
    key: session.key,
    rejectUnauthorized: true,
    clientId: session.host,
    protocolVersion: 4,
    clean: true,
    resubscribe: false,
    reconnectPeriod: 0,
    queueQoSZero: false,
    keepalive: 30,
    connectTimeout: connect_timeout_ms,
    will: {
      topic: presenceTopic(session.host),
      payload: Buffer.from('{"state":"offline"}'),
      qos: 1,
      retain: false,
    },
  });
  let closing = false;
  let failure: Error | null = null;
  let lost: ((error: Error) => void) | null = null;
  client.on("message", (_topic, payload) => listener.onMessage(payload));
  client.on("error", (error) => {
    failure ??= error;
    // mqtt.js leaves the socket open after a refused CONNACK.
    client.end(true);
  });
  client.on("close", () => {
    if (!closing)
      lost?.(failure ?? new CaliberError("CONNECTION_CLOSED", "the broker closed the connection"));
    lost = null;
  });
  return new Promise<Connection>((resolve, reject) => {
    lost = reject;
    client.on("connect", () => {
      subscribe(client, downTopic(session.host)).then(() => {
        lost = listener.onLost;
        resolve({
          publish: (topic, payload) => publish(client, topic, payload),
          close: () => {
            closing = true;
            return close(client);
          },
        });
      }, reject);
    });
  }).catch((error: unknown) => {
    client.end(true);
    throw error;
  });
};

function subscribe(client: MqttClient, topic: string): Promise<void> {
  return new Promise((resolve, reject) => {
    client.subscribe(topic, { qos: 1 }, (error, granted) => {
      // 0x80 is MQTT 3.1.1's "failure": the broker's ACL does not know this host.
      if (error) reject(error);
      else if (granted?.[0]?.qos === 1) resolve();
      else reject(new CaliberError("SUBSCRIPTION_REFUSED", `the broker refused ${topic}`));
    });
  });
}

function publish(client: MqttClient, topic: string, payload: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    client.publish(topic, payload, { qos: 1, retain: false }, (error) => (error ? reject(error) : resolve()));
  });
}

/** DISCONNECT when the broker takes it, else the socket goes: stopping waits for nobody. */
function close(client: MqttClient): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(() => client.end(true, () => resolve()), close_timeout_ms);
    client.end(false, () => {
      clearTimeout(late);
      resolve();
    });
  });
}
