import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";
import mqttPacket from "mqtt-packet";
import type { TelemetryBody } from "../../protocol/report/schema.js";
import { downTopic, reportTopic } from "../../protocol/topics.js";
import { enrolTestHost, type TestHost } from "../support/testHost.js";
import { busyTelemetry, testChain } from "../support/testReports.js";

export type LoadResult = {
  acknowledged: number;
  reports_per_s: number;
  receipt_p50_ms: number;
  receipt_p99_ms: number;
  payload_bytes: number;
};

type Order = { tokens: string[]; inFlight: number; throughput_ms: number; latency_ms: number };

/** More than the server can take in the time of the run. */
const presignedPerHost = 4_200;
const step_ms = 150;

/** About 1 kB: what a GPU says that tells no ECC, remap, SM clock or memory utilization figures. */
const body: TelemetryBody = {
  ...busyTelemetry,
  present_ms: step_ms,
  mem_util_permille: null,
  sm_clock_mhz: null,
  ecc_volatile: null,
  ecc_aggregate: null,
  remapped_rows: null,
};

const [order] = (await once(process, "message")) as [Order];
const hosts = await Promise.all(order.tokens.map((token, i) => enrolTestHost(token, 1, `bench-${i}`)));
// Signed before anyone connects: it takes longer than the broker waits for a CONNECT.
const presigned = hosts.map(presign);
const clients = await Promise.all(hosts.map((host, i) => connectClient(host, presigned[i]!)));
const throughput = await saturate(order.throughput_ms);
await settle();
const latencies = await pace(throughput / 2, order.latency_ms);
latencies.sort((a, b) => a - b);
for (const client of clients) client.socket.destroy();
process.send!({
  acknowledged: clients.reduce((sum, client) => sum + client.acked, 0),
  reports_per_s: throughput,
  receipt_p50_ms: latencies[Math.floor(latencies.length * 0.5)] ?? 0,
  receipt_p99_ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
  payload_bytes: payloadBytes(hosts[0]!),
} satisfies LoadResult);
process.disconnect();

type Client = {
  socket: TLSSocket;
  packets: Buffer[];
  next: number;
  acked: number;
  /** Called with each PUBACK. */
  onAck: () => void;
  /** Called with each message from the registry; costly, so null when nobody asks. */
  onDown: ((payload: Buffer) => void) | null;
};

/** Raw TLS with packets made beforehand: a real client library would take from the core that is measured. */
async function connectClient(host: TestHost, packets: Buffer[]): Promise<Client> {
  const url = new URL(host.answer.mqtt_url);
  const socket = connect({
    host: url.hostname,
    port: Number(url.port),
    servername: "localhost",
    ca: host.answer.ca,
    cert: host.answer.certificate,
    key: host.key.export({ type: "pkcs8", format: "pem" }) as string,
  });
  socket.setNoDelay(true);
  await once(socket, "secureConnect");
  const client: Client = {
    socket,
    packets,
    next: 0,
    acked: 0,
    onAck: () => undefined,
    onDown: null,
  };
  readFrames(client);
  socket.write(
    mqttPacket.generate({
      cmd: "connect",
      protocolId: "MQTT",
      protocolVersion: 4,
      clientId: host.answer.host,
      clean: true,
      keepalive: 60,
    }),
  );
  socket.write(
    mqttPacket.generate({
      cmd: "subscribe",
      messageId: 1,
      subscriptions: [{ topic: downTopic(host.answer.host), qos: 0 }],
    }),
  );
  await once(socket, "data");
  return client;
}

/** PUBLISH packets of one chain of reports, in time order and recent enough to count as in time. */
function presign(host: TestHost): Buffer[] {
  const device = host.devices[0]!;
  const chain = testChain(device, host.answer.host);
  const topic = reportTopic(host.answer.host, device.id);
  const from_ms = Date.now() - presignedPerHost * step_ms - 30_000;
  return Array.from({ length: presignedPerHost }, (_, i) => {
    const start_ms = from_ms + i * step_ms;
    const window = { start_ms, end_ms: start_ms + step_ms };
    const { bytes } = chain.next("telemetry", body, window);
    return mqttPacket.generate({
      cmd: "publish",
      topic,
      payload: bytes,
      qos: 1,
      messageId: (i % 65_000) + 1,
      dup: false,
      retain: false,
    });
  });
}

function payloadBytes(host: TestHost): number {
  const chain = testChain(host.devices[0]!, host.answer.host);
  return JSON.stringify(
    chain.draft("telemetry", body, { start_ms: Date.now(), end_ms: Date.now() + step_ms }),
  ).length;
}

function readFrames(client: Client): void {
  let rest: Buffer = Buffer.alloc(0);
  client.socket.on("data", (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    // What these frames call for leaves together, as a client does that writes through mqtt-packet.
    client.socket.cork();
    take();
    client.socket.uncork();
  });
  const take = (): void => {
    for (;;) {
      let length = 0;
      let at = 1;
      for (let shift = 1; at < rest.length; shift *= 128) {
        const byte = rest[at++]!;
        length += (byte & 0x7f) * shift;
        if (byte < 0x80) break;
      }
      if (rest.length < 2 || (rest[at - 1]! & 0x80) !== 0 || rest.length < at + length) return;
      const type = rest[0]! >> 4;
      if (type === 4) {
        client.acked += 1;
        client.onAck();
      } else if (type === 3 && client.onDown !== null) {
        const topicLength = rest.readUInt16BE(at);
        client.onDown(rest.subarray(at + 2 + topicLength, at + length));
      }
      rest = rest.subarray(at + length);
    }
  };
}

/** Keeps every connection's share in flight, and counts what is acknowledged after a warm-up. */
async function saturate(duration_ms: number): Promise<number> {
  const send = (client: Client): void => {
    const packet = client.packets[client.next];
    if (packet === undefined || Date.now() > end_ms) return;
    client.next += 1;
    client.socket.write(packet);
  };
  const end_ms = Date.now() + duration_ms + 1_500;
  for (const client of clients) {
    client.onAck = () => send(client);
    for (let i = 0; i < order.inFlight; i += 1) send(client);
  }
  const total = (): number => clients.reduce((sum, client) => sum + client.acked, 0);
  await sleep(1_500);
  const [from, from_ms] = [total(), performance.now()];
  await sleep(duration_ms - 500);
  const rate = ((total() - from) * 1000) / (performance.now() - from_ms);
  if (clients.some((client) => client.next >= client.packets.length))
    throw new Error("too few reports were signed");
  return rate;
}

/** Until all that was sent is acknowledged. */
async function settle(): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (clients.every((client) => client.acked === client.next)) return;
    await sleep(50);
  }
  throw new Error("some reports were never acknowledged");
}

/** Sends at a steady rate whatever comes back, and times each report until the signed receipt that names it. */
async function pace(rate: number, duration_ms: number): Promise<number[]> {
  const sent: Map<number, number>[] = clients.map(() => new Map());
  const latencies: number[] = [];
  for (const [i, client] of clients.entries()) {
    client.onAck = () => undefined;
    client.onDown = (payload) => {
      const now = performance.now();
      const envelope = JSON.parse(payload.toString()) as { payload: string };
      const { body } = JSON.parse(Buffer.from(envelope.payload, "base64").toString()) as {
        body: { type: string; kept?: { seq: number }[] };
      };
      for (const { seq } of body.kept ?? []) {
        const at = sent[i]!.get(seq);
        if (at !== undefined) latencies.push(now - at);
        sent[i]!.delete(seq);
      }
    };
  }
  const from = performance.now();
  let count = 0;
  while (performance.now() - from < duration_ms) {
    const due = Math.floor(((performance.now() - from) * rate) / 1000);
    for (; count < due; count += 1) {
      const i = count % clients.length;
      const client = clients[i]!;
      const packet = client.packets[client.next];
      if (packet === undefined) throw new Error("too few reports were signed");
      sent[i]!.set(client.next, performance.now());
      client.next += 1;
      client.socket.write(packet);
    }
    await sleep(1);
  }
  await settle();
  await sleep(200);
  const missing = sent.reduce((sum, map) => sum + map.size, 0);
  if (missing > 0) throw new Error(`${missing} reports were never receipted`);
  return latencies;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
