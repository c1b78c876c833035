import { connect as tcpConnect } from "node:net";
import { connect as tlsConnect } from "node:tls";
import type { Packet } from "mqtt-packet";
import { afterEach, describe, expect, it, vi } from "vitest";
import { downTopic, reportTopic } from "../protocol/topics.js";
import { brokerHarness, rawConnect } from "../test/support/brokerHarness.js";

type Harness = Awaited<ReturnType<typeof brokerHarness>>;
const device = "cd".repeat(32);
const topic = reportTopic("h-1", device);
let harness: Harness | undefined;
afterEach(async () => {
  await harness?.close();
  harness = undefined;
});
const start = async (...overrides: Parameters<typeof brokerHarness>): Promise<Harness> => {
  harness = await brokerHarness(...overrides);
  return harness;
};
const closed = (socket: {
  once(event: "close", listener: () => void): unknown;
  destroyed: boolean;
}): Promise<void> =>
  new Promise((resolve) => (socket.destroyed ? resolve() : void socket.once("close", () => resolve())));
const report = (messageId: number, payload: string): Packet => ({
  cmd: "publish",
  topic,
  payload,
  qos: 1,
  messageId,
  retain: false,
  dup: false,
});
/** A connection that has its CONNACK. */
async function connected(h: Harness, id = "h-1") {
  const raw = await h.connectRaw(h.hostTls(id));
  raw.send(rawConnect(id));
  await vi.waitFor(() => expect(raw.packets).toHaveLength(1));
  return raw;
}

describe("PUBACK", () => {
  it("waits until the report is durable", async () => {
    const waiting: (() => void)[] = [];
    const h = await start({ onReport: () => new Promise((resolve) => void waiting.push(resolve)) });
    const { send, packets } = await connected(h);
    send(report(7, "x"));
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(packets).toHaveLength(1);
    waiting[0]?.();
    await vi.waitFor(() =>
      expect(packets).toMatchObject([{ cmd: "connack" }, { cmd: "puback", messageId: 7 }]),
    );
  });

  it("is not sent for a report that could not be kept: the connection ends instead", async () => {
    const h = await start({ onReport: () => Promise.reject(new Error("disk full")) });
    const { send, packets, socket } = await connected(h);
    send(report(7, "x"));
    await closed(socket);
    expect(packets).toHaveLength(1);
    expect(h.broker.metrics().refused.ingest_failed).toBe(1);
  });

  it("may come late to a connection that is gone", async () => {
    const waiting: (() => void)[] = [];
    const h = await start({ onReport: () => new Promise((resolve) => void waiting.push(resolve)) });
    const { send, socket } = await connected(h);
    send(report(7, "x"));
    await vi.waitFor(() => expect(h.broker.metrics().reports).toBe(1));
    socket.destroy();
    await vi.waitFor(() => expect(h.broker.connections()).toBe(0));
    waiting[0]?.();
    const next = await connected(h);
    expect(next.packets).toMatchObject([{ cmd: "connack", returnCode: 0 }]);
  });
});

describe("sizes", () => {
  /** CONNECT, PUBLISH, an unknown type: of each only the fixed header, which declares `length` bytes. */
  const header = (type: number, length: number): Buffer => {
    const bytes = [type];
    for (let rest = length; bytes.length === 1 || rest > 0; rest = Math.floor(rest / 128)) {
      bytes.push((rest % 128) + (rest >= 128 ? 128 : 0));
    }
    return Buffer.from(bytes);
  };
  it.each([
    ["CONNECT of 64 MiB", 0x10, 64 * 1024 * 1024],
    ["PUBLISH of 64 MiB before CONNECT", 0x30, 64 * 1024 * 1024],
    ["the longest there is", 0x30, 268_435_455],
    ["one byte too many", 0x10, 1025],
  ])("refuses %s by its header alone", async (_, type, length) => {
    const h = await start({ limits: { packet_bytes: 1024 } });
    const { socket } = await h.connectRaw(h.hostTls("h-1"));
    socket.write(header(type, length));
    await closed(socket);
    expect(h.broker.metrics().refused).toMatchObject({ packet_too_large: 1, protocol: 0 });
  });

  it("refuses a length that never ends", async () => {
    const h = await start({ limits: { packet_bytes: 2 ** 28 } });
    const { socket } = await h.connectRaw(h.hostTls("h-1"));
    socket.write(Buffer.of(0x10, 0x80, 0x80, 0x80, 0x80, 0x80));
    await closed(socket);
    expect(h.broker.metrics().refused.packet_malformed).toBe(1);
  });

  it("refuses too large a report after CONNECT, and takes the largest", async () => {
    const h = await start({ limits: { packet_bytes: 4096 } });
    const { send, packets, socket } = await connected(h);
    // 2 bytes of topic length and 2 of message id are in a packet's length too.
    const largest = "x".repeat(4096 - topic.length - 4);
    send(report(1, largest));
    await vi.waitFor(() => expect(packets).toHaveLength(2));
    expect(h.reports.map(({ payload }) => payload)).toEqual([largest]);
    send(report(2, `${largest}x`));
    await closed(socket);
    expect(h.reports).toHaveLength(1);
    expect(h.broker.metrics().refused.packet_too_large).toBe(1);
  });

  it("ends what is no MQTT, and MQTT 5", async () => {
    const h = await start();
    const garbage = await h.connectRaw(h.hostTls("h-1"));
    garbage.socket.write("GET / HTTP/1.1\r\n\r\n");
    await closed(garbage.socket);
    const five = await h.connectRaw(h.hostTls("h-1"));
    five.send({ ...rawConnect("h-1"), protocolVersion: 5 } as Packet);
    await closed(five.socket);
    expect(h.broker.metrics().refused.protocol).toBe(2);
    await vi.waitFor(() => expect(h.broker.connections()).toBe(0));
  });
});

describe("rates", () => {
  it("reads one who sends too fast more slowly, and loses nothing", async () => {
    const h = await start({ limits: { packets_per_s: 100, packets_burst: 10 } });
    const fast = await connected(h);
    const start_ms = performance.now();
    for (let id = 1; id <= 60; id++) fast.send(report(id, String(id)));
    await vi.waitFor(() => expect(h.reports).toHaveLength(60), { timeout: 5_000 });
    // 61 packets with CONNECT, 10 of them free: the debt of the other 51 is paid before one more is read.
    fast.send(report(61, "61"));
    await vi.waitFor(() => expect(h.reports).toHaveLength(61), { timeout: 5_000 });
    expect(performance.now() - start_ms).toBeGreaterThan(480);
    expect(h.broker.metrics().throttled).toBeGreaterThan(0);
    expect(h.reports.map(({ payload }) => Number(payload))).toEqual(
      Array.from({ length: 61 }, (_, i) => i + 1),
    );
    expect(fast.socket.destroyed).toBe(false);
  });
});

describe("times and numbers", () => {
  it("drops those who never finish a handshake, or never send CONNECT", async () => {
    const h = await start({ limits: { connect_ms: 150 } });
    const silent = tcpConnect(h.broker.port, "127.0.0.1").on("error", () => undefined);
    silent.resume();
    const { socket } = await h.connectRaw(h.hostTls("h-1"));
    await Promise.all([closed(silent), closed(socket)]);
    expect(h.broker.metrics().refused).toMatchObject({ tls: 1, protocol: 1 });
  });

  it("drops a CONNECT that trickles in", async () => {
    const h = await start({ limits: { connect_ms: 150 } });
    const { socket } = await h.connectRaw(h.hostTls("h-1"));
    socket.on("error", () => undefined);
    const trickle = setInterval(() => socket.write(Buffer.of(0x10)), 40);
    await closed(socket);
    clearInterval(trickle);
    await vi.waitFor(() => expect(h.broker.connections()).toBe(0));
  });

  it("wants a keep-alive, and holds clients to it", async () => {
    const h = await start({ limits: { keepalive_s: 60 } });
    for (const keepalive of [0, 61]) {
      const raw = await h.connectRaw(h.hostTls("h-1"));
      raw.send({ ...rawConnect("h-1"), keepalive } as Packet);
      await closed(raw.socket);
    }
    const quiet = await h.connectRaw(h.hostTls("h-1"));
    quiet.send({ ...rawConnect("h-1"), keepalive: 1 } as Packet);
    const start_ms = performance.now();
    await closed(quiet.socket);
    // One and a half times the keep-alive (MQTT 3.1.1, 3.1.2.10).
    expect(performance.now() - start_ms).toBeGreaterThan(1_400);
  });

  it("ends a session when its certificate runs out", async () => {
    const h = await start();
    // X.509 counts whole seconds.
    const raw = await h.connectRaw(h.tlsOf({ role: "host", id: "h-1" }, { lifetime_ms: 2_000 }));
    raw.send(rawConnect("h-1"));
    await vi.waitFor(() => expect(raw.packets).toMatchObject([{ cmd: "connack", returnCode: 0 }]));
    await closed(raw.socket);
    expect(h.lines.some((line) => line.includes("ran out"))).toBe(true);
  });

  it("ends a session after its time, though its certificate goes on", async () => {
    const h = await start({ limits: { session_ms: 150 } });
    const raw = await connected(h);
    await closed(raw.socket);
    await vi.waitFor(() => expect(h.broker.connections()).toBe(0));
  });

  it("lets one identity take no more than its share of connections", async () => {
    const h = await start({ limits: { connections_per_client: 2 } });
    const tls = h.hostTls("h-1");
    const first = await h.connectRaw(tls);
    await h.connectRaw(tls);
    const third = await h.connectRaw(tls);
    await closed(third.socket);
    expect(h.broker.metrics().refused.client_connection_limit).toBe(1);
    await connected(h, "h-2");
    first.socket.destroy();
    await vi.waitFor(() => expect(h.broker.connections()).toBe(2));
    await h.connectRaw(tls);
    await vi.waitFor(() => expect(h.broker.connections()).toBe(3));
  });

  it("takes no more connections than it may", async () => {
    const h = await start({ limits: { connections: 1 } });
    await connected(h, "h-1");
    await expect(h.connect("h-2", h.hostTls("h-2"))).rejects.toThrow();
    expect(h.broker.metrics().refused.connection_limit).toBe(1);
  });

  it("closes at once, whoever is in the middle of what", async () => {
    const h = await start({ onReport: () => new Promise(() => undefined) });
    const silent = tcpConnect(h.broker.port, "127.0.0.1").on("error", () => undefined);
    silent.resume();
    const { send, socket } = await connected(h);
    send(report(1, "never kept"));
    await vi.waitFor(() => expect(h.broker.metrics().reports).toBe(1));
    const start_ms = performance.now();
    await h.broker.close();
    await Promise.all([closed(silent), closed(socket)]);
    expect(performance.now() - start_ms).toBeLessThan(1_000);
    harness = undefined;
  });
});

describe("one who does not read", () => {
  it("holds nobody up and is let go", async () => {
    const h = await start({ limits: { unsent_bytes: 256 * 1024 } });
    const stalled = await new Promise<ReturnType<typeof tlsConnect>>((resolve) => {
      const socket = tlsConnect(
        { host: "127.0.0.1", port: h.broker.port, ...h.tlsOf({ role: "keeper", id: "slow" }) },
        () => resolve(socket),
      );
      socket.on("error", () => undefined);
    });
    const keeper = await h.connect("desk", h.tlsOf({ role: "keeper", id: "desk" }));
    await keeper.subscribeAsync("caliber/v1/events/#", { qos: 1 });
    let seen = 0;
    keeper.on("message", () => seen++);
    const { default: mqttPacket } = await import("mqtt-packet");
    const subscriptions = [{ topic: "caliber/v1/events/#", qos: 1 as const }];
    stalled.write(mqttPacket.generate(rawConnect("slow")));
    stalled.write(mqttPacket.generate({ cmd: "subscribe", messageId: 1, subscriptions } as Packet));
    // Read the CONNACK and SUBACK, then nothing more.
    await new Promise<void>((resolve) => {
      let size = 0;
      stalled.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size >= 9) resolve();
      });
    });
    stalled.pause();
    const payload = Buffer.alloc(32 * 1024);
    let sent = 0;
    for (; sent < 2_000 && h.broker.metrics().refused.unsent === 0; sent++) {
      await h.broker.publishEvent("caliber/v1/events/x", payload);
      // Let the socket of the one who reads keep up.
      await vi.waitFor(() => expect(seen).toBe(sent + 1), { interval: 1 });
    }
    expect(h.broker.metrics().refused.unsent).toBe(1);
    await vi.waitFor(() => expect(h.broker.connections()).toBe(1));
    expect(seen).toBe(sent);
    stalled.destroy();
  }, 20_000);

  it("does not hold up messages to hosts either", async () => {
    const h = await start();
    const client = await h.connect("h-1", h.hostTls("h-1"));
    await client.subscribeAsync(downTopic("h-1"));
    let seen = 0;
    client.on("message", () => seen++);
    for (let i = 0; i < 500; i++) h.broker.sendDown("h-1", Buffer.alloc(200));
    await vi.waitFor(() => expect(seen).toBe(500));
  });
});
