import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { type TLSSocket, connect as tlsConnect } from "node:tls";
import { connect as connectMqtt, type IClientOptions, type MqttClient } from "mqtt";
import mqttPacket, { type Packet } from "mqtt-packet";
import pino from "pino";
import type { BrokerLimits } from "../../broker/brokerLimits.js";
import type { BrokerOptions } from "../../broker/brokerOptions.js";
import { type Broker, createBroker } from "../../broker/createBroker.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import type { Identity } from "../../protocol/enrol/hostUri.js";
import { type Ca, createCa } from "../../registry/enrol/createCa.js";
import { issueClientCertificate } from "../../registry/enrol/issueClientCertificate.js";
import { issueServerCertificate } from "../../registry/enrol/issueServerCertificate.js";

export type ClientTls = { key: string; cert: string; ca: string };
export type Received = { host: string; device: string; payload: string };

export const p256 = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
export const pemOf = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }) as string;

/** A real broker over real TLS on a free port, what it hands on, and clients of any identity. */
export async function brokerHarness(
  overrides: Partial<Pick<BrokerOptions, "isAllowed" | "onReport">> & { limits?: Partial<BrokerLimits> } = {},
) {
  const ca = createCa({ commonName: "test CA", now_ms: Date.now() });
  const reports: Received[] = [];
  const presences: { host: string; payload: string }[] = [];
  const lines: string[] = [];
  const broker: Broker = await createBroker({
    tls: issueServerCertificate(ca, ["localhost", "127.0.0.1"], Date.now()),
    bind: "127.0.0.1",
    port: 0,
    isAllowed: () => true,
    onReport: async ({ host, device, payload }) =>
      void reports.push({ host, device, payload: payload.toString() }),
    onPresence: (host, payload) => void presences.push({ host, payload: payload.toString() }),
    log: pino({ level: "trace" }, { write: (line: string) => void lines.push(line) }),
    now_ms: Date.now,
    ...overrides,
  });

  const tlsOf = (identity: Identity, options: { issuer?: Ca; lifetime_ms?: number } = {}): ClientTls => {
    const key = p256();
    const { issuer = ca, lifetime_ms = 3_600_000 } = options;
    const cert = issueClientCertificate(issuer, identity, spkiOf(key), { now_ms: Date.now(), lifetime_ms });
    return { key: pemOf(key), cert, ca: ca.certificate };
  };
  const hostTls = (id: string): ClientTls => tlsOf({ role: "host", id });
  const clients: MqttClient[] = [];
  const sockets: TLSSocket[] = [];

  /** An MQTT.js client that never reconnects. @throws when it is refused. */
  const connect = async (
    clientId: string,
    tls: ClientTls,
    options: Partial<IClientOptions> = {},
  ): Promise<MqttClient> => {
    const client = connectMqtt({
      protocol: "mqtts",
      host: "127.0.0.1",
      port: broker.port,
      protocolVersion: 4,
      reconnectPeriod: 0,
      clientId,
      ...tls,
      ...options,
    });
    await new Promise<void>((resolve, reject) => {
      client.once("connect", () => resolve());
      client.on("error", reject);
      client.once("close", () => reject(new Error("closed")));
    });
    clients.push(client);
    return client;
  };

  /** A bare TLS connection, for what no MQTT library would send. */
  const connectRaw = (
    tls: ClientTls,
  ): Promise<{ socket: TLSSocket; send(packet: Packet): void; packets: Packet[] }> =>
    new Promise((resolve, reject) => {
      const socket = tlsConnect({ host: "127.0.0.1", port: broker.port, ...tls }, () =>
        resolve({ socket, send: (packet) => socket.write(mqttPacket.generate(packet)), packets }),
      );
      const packets: Packet[] = [];
      const parser = mqttPacket.parser().on("packet", (packet) => packets.push(packet));
      socket.on("data", (chunk) => parser.parse(chunk));
      socket.on("error", reject);
      sockets.push(socket);
    });

  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await Promise.all(clients.map((client) => client.endAsync(true)));
    await broker.close();
  };
  return { broker, ca, reports, presences, lines, tlsOf, hostTls, connect, connectRaw, close };
}

export const rawConnect = (clientId: string): Packet => ({
  cmd: "connect",
  protocolId: "MQTT",
  protocolVersion: 4,
  clean: true,
  clientId,
  keepalive: 60,
});
