import { execFileSync } from "node:child_process";
import { type EventEmitter, once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MqttClient } from "mqtt";
import { afterEach, describe, expect, it, vi } from "vitest";
import { hostUri, type Identity } from "../protocol/enrol/hostUri.js";
import { downTopic, presenceTopic, reportTopic } from "../protocol/topics.js";
import { createCsr } from "../protocol/x509/createCsr.js";
import { createCa } from "../registry/enrol/createCa.js";
import { brokerHarness, type ClientTls, p256, pemOf, rawConnect } from "../test/support/brokerHarness.js";
import type { RefusalReason } from "./createCounters.js";

type Harness = Awaited<ReturnType<typeof brokerHarness>>;
const device = "ab".repeat(32);
let harness: Harness | undefined;
afterEach(async () => {
  await harness?.close();
  harness = undefined;
});
const start = async (...overrides: Parameters<typeof brokerHarness>): Promise<Harness> => {
  harness = await brokerHarness(...overrides);
  return harness;
};
const eventOf = (client: MqttClient, name: string): Promise<unknown[]> =>
  once(client as unknown as EventEmitter, name);
const ended = async (client: MqttClient): Promise<void> => {
  if (!client.disconnected && !client.stream.destroyed) await eventOf(client, "close");
};
const refused = ({ broker }: Harness): Partial<Record<RefusalReason, number>> =>
  Object.fromEntries(Object.entries(broker.metrics().refused).filter(([, count]) => count > 0));

describe("who gets in", () => {
  it("takes a host's reports and answers it on its own topic", async () => {
    const { connect, hostTls, reports, broker } = await start();
    const client = await connect("h-1", hostTls("h-1"));
    await client.subscribeAsync(downTopic("h-1"));
    await client.publishAsync(reportTopic("h-1", device), "one", { qos: 1 });
    expect(reports).toEqual([{ host: "h-1", device, payload: "one" }]);
    const message = eventOf(client, "message");
    broker.sendDown("h-1", Buffer.from("receipt"));
    const [topic, payload] = (await message) as [string, Buffer];
    expect([topic, payload.toString()]).toEqual([downTopic("h-1"), "receipt"]);
    broker.sendDown("h-2", Buffer.from("nobody"));
    expect(broker.metrics()).toMatchObject({ connections: 1, reports: 1, down_sent: 1, down_unheard: 1 });
  });

  it.each<[string, (h: Harness) => Partial<ClientTls>]>([
    ["no certificate", ({ ca }) => ({ ca: ca.certificate })],
    [
      "a certificate of another CA",
      ({ tlsOf }) =>
        tlsOf(
          { role: "host", id: "h-1" },
          { issuer: createCa({ commonName: "test CA", now_ms: Date.now() }) },
        ),
    ],
    [
      "a certificate that has expired",
      ({ tlsOf }) => tlsOf({ role: "host", id: "h-1" }, { lifetime_ms: -1000 }),
    ],
    ["a server's certificate", (h) => crafted(h, [["URI", hostUri("h-1")]], "serverAuth")],
  ])("refuses %s", async (_, tls) => {
    const h = await start();
    await expect(h.connect("h-1", tls(h) as ClientTls)).rejects.toThrow();
    await vi.waitFor(() => expect(refused(h)).toEqual({ tls: 1 }));
    expect(h.broker.connections()).toBe(0);
  });

  it("takes a certificate that OpenSSL made, if it names one host", async () => {
    const h = await start();
    const client = await h.connect("h-1", crafted(h, [["URI", hostUri("h-1")]], "clientAuth"));
    expect(client.connected).toBe(true);
  });

  it.each<[string, [kind: string, value: string][]]>([
    ["two URIs", [hostUri("h-1"), hostUri("h-2")].map((value) => ["URI", value])],
    [
      "a URI and a DNS name",
      [
        ["URI", hostUri("h-1")],
        ["DNS", "x"],
      ],
    ],
    ["a DNS name that prints like a URI", [["DNS", "x, URI:urn:caliber:host:h-1"]]],
    ["a URI of nobody here", [["URI", "spiffe://x/h-1"]]],
    ["no name", []],
  ])("refuses a certificate with %s", async (_, names) => {
    const h = await start();
    await expect(h.connect("h-1", crafted(h, names, "clientAuth"))).rejects.toThrow();
    await vi.waitFor(() => expect(refused(h)).toEqual({ identity_invalid: 1 }));
  });

  it("refuses another's client id and leaves that other alone", async () => {
    const h = await start();
    const victim = await h.connect("h-1", h.hostTls("h-1"));
    await expect(h.connect("h-1", h.hostTls("h-2"))).rejects.toMatchObject({ code: 5 });
    await expect(h.connect("", h.hostTls("h-2"), { clean: true })).rejects.toMatchObject({ code: 5 });
    await victim.publishAsync(reportTopic("h-1", device), "still here", { qos: 1 });
    expect(refused(h)).toEqual({ client_id: 2 });
  });

  it("gives a keeper no host's session, whatever it is called", async () => {
    const h = await start();
    const victim = await h.connect("h-1", h.hostTls("h-1"));
    await expect(h.connect("h-1", h.tlsOf({ role: "keeper", id: "h-1" }))).rejects.toMatchObject({ code: 5 });
    expect(victim.connected).toBe(true);
    expect(refused(h)).toEqual({ client_id_taken: 1 });
  });

  it("refuses the revoked at connect, and ends their sessions when told", async () => {
    const revoked = new Set<string>();
    const asked: Identity[] = [];
    const isAllowed = (identity: Identity): boolean => {
      asked.push(identity);
      return !revoked.has(identity.id);
    };
    const h = await start({ isAllowed });
    const client = await h.connect("h-1", h.hostTls("h-1"));
    const other = await h.connect("h-2", h.hostTls("h-2"));
    revoked.add("h-1");
    h.broker.disconnect("h-1");
    await ended(client);
    await expect(h.connect("h-1", h.hostTls("h-1"))).rejects.toMatchObject({ code: 5 });
    expect(other.connected).toBe(true);
    expect(asked.map(({ id }) => id)).toEqual(["h-1", "h-2", "h-1"]);
    expect(refused(h)).toEqual({ not_allowed: 1 });
  });

  it("hands a host's session on to its next connection", async () => {
    const h = await start();
    const tls = h.hostTls("h-1");
    const first = await h.connect("h-1", tls);
    const second = await h.connect("h-1", tls);
    await ended(first);
    await second.subscribeAsync(downTopic("h-1"));
    const message = eventOf(second, "message");
    h.broker.sendDown("h-1", Buffer.from("x"));
    await message;
    await vi.waitFor(() => expect(h.broker.connections()).toBe(1));
  });

  it("keeps no session for those who are away", async () => {
    const h = await start();
    const tls = h.hostTls("h-1");
    const first = await h.connect("h-1", tls, { clean: false });
    await first.subscribeAsync(downTopic("h-1"), { qos: 1 });
    await first.endAsync();
    await vi.waitFor(() => expect(h.broker.connections()).toBe(0));
    const { socket, send, packets } = await h.connectRaw(tls);
    send({ ...rawConnect("h-1"), clean: false } as Parameters<typeof send>[0]);
    await vi.waitFor(() =>
      expect(packets).toMatchObject([{ cmd: "connack", returnCode: 0, sessionPresent: false }]),
    );
    h.broker.sendDown("h-1", Buffer.from("x"));
    expect(h.broker.metrics().down_unheard).toBe(1);
    expect(socket.destroyed).toBe(false);
  });
});

/** A certificate that our code would give to no client, made by OpenSSL with the CA's key. */
function crafted(
  { ca }: Harness,
  names: [kind: string, value: string][],
  usage: "clientAuth" | "serverAuth",
): ClientTls {
  const directory = mkdtempSync(join(tmpdir(), "caliber-crafted-"));
  try {
    const key = p256();
    const put = (name: string, text: string): void =>
      writeFileSync(join(directory, name), text, { mode: 0o600 });
    put("csr.pem", createCsr(key, { commonName: "crafted" }));
    put("ca.pem", ca.certificate);
    put("ca.key", pemOf(ca.key));
    const lines = names.map(([kind, value], index) => `${kind}.${index} = ${value}`);
    const altNames = names.length === 0 ? [] : ["subjectAltName = @names", "[names]", ...lines];
    put("ext", [`extendedKeyUsage = ${usage}`, ...altNames].join("\n"));
    const args = [
      "x509",
      "-req",
      "-in",
      "csr.pem",
      "-CA",
      "ca.pem",
      "-CAkey",
      "ca.key",
      "-extfile",
      "ext",
      "-days",
      "1",
    ];
    const cert = execFileSync("openssl", args, {
      cwd: directory,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return { key: pemOf(key), cert, ca: ca.certificate };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe("what a host may say", () => {
  const cases: [string, RefusalReason, (client: MqttClient) => unknown][] = [
    ["another host's report topic", "publish_topic", (c) => c.publish(reportTopic("h-2", device), "x")],
    ["another host's presence", "publish_topic", (c) => c.publish(presenceTopic("h-2"), "x")],
    ["its own down topic", "publish_topic", (c) => c.publish(downTopic("h-1"), "x")],
    ["an event", "publish_topic", (c) => c.publish("caliber/v1/events/x", "x")],
    ["a topic of no device", "publish_topic", (c) => c.publish("caliber/v1/h-1/x/report", "x")],
    ["$SYS", "publish_topic", (c) => c.publish("$SYS/x", "x")],
    [
      "a retained report",
      "publish_retain",
      (c) => c.publish(reportTopic("h-1", device), "x", { retain: true }),
    ],
    ["QoS 2", "publish_qos", (c) => c.publish(reportTopic("h-1", device), "x", { qos: 2 })],
    ["another host's downlink", "subscribe_filter", (c) => c.subscribe(downTopic("h-2"))],
    ["everything", "subscribe_filter", (c) => c.subscribe("#")],
    ["one level of everything", "subscribe_filter", (c) => c.subscribe("caliber/v1/+/down")],
    ["its own topics by wildcard", "subscribe_filter", (c) => c.subscribe("caliber/v1/h-1/#")],
    ["a shared subscription", "subscribe_filter", (c) => c.subscribe(`$share/g/${downTopic("h-1")}`)],
    ["the broker's own topics", "subscribe_filter", (c) => c.subscribe("$SYS/#")],
    ["events", "subscribe_filter", (c) => c.subscribe("caliber/v1/events/#")],
  ];
  it.each(cases)("ends the session over %s", async (_, reason, offend) => {
    const h = await start();
    const client = await h.connect("h-1", h.hostTls("h-1"));
    const bystander = await h.connect("h-2", h.hostTls("h-2"));
    client.on("error", () => undefined);
    offend(client);
    await ended(client);
    expect(refused(h)).toEqual({ [reason]: 1 });
    expect(h.lines.filter((line) => line.includes(`"reason":"${reason}"`))).toHaveLength(1);
    expect(h.reports).toEqual([]);
    expect(bystander.connected).toBe(true);
  });

  it("hands on its presence, and its will when it is lost", async () => {
    const h = await start();
    const will = { topic: presenceTopic("h-1"), payload: Buffer.from("off"), qos: 1, retain: false } as const;
    const client = await h.connect("h-1", h.hostTls("h-1"), { will });
    await client.publishAsync(presenceTopic("h-1"), "on", { qos: 1 });
    client.stream.destroy();
    await vi.waitFor(() => expect(h.presences.map(({ payload }) => payload)).toEqual(["on", "off"]));
  });

  it("says nothing of presence when the broker itself ends", async () => {
    const h = await start();
    const will = { topic: presenceTopic("h-1"), payload: Buffer.from("off"), qos: 0, retain: false } as const;
    const client = await h.connect("h-1", h.hostTls("h-1"), { will });
    await h.broker.close();
    await ended(client);
    expect(h.presences).toEqual([]);
    harness = undefined;
  });

  it.each([
    ["for another host", { topic: presenceTopic("h-2"), payload: Buffer.from("x") }],
    ["as a report", { topic: reportTopic("h-1", device), payload: Buffer.from("x") }],
    ["retained", { topic: presenceTopic("h-1"), payload: Buffer.from("x"), retain: true }],
    ["too long", { topic: presenceTopic("h-1"), payload: Buffer.alloc(513) }],
    ["with QoS 2", { topic: presenceTopic("h-1"), payload: Buffer.from("x"), qos: 2 as const }],
  ])("refuses a will %s", async (_, will) => {
    const h = await start();
    const options = { will: { qos: 0 as const, retain: false, ...will } };
    await expect(h.connect("h-1", h.hostTls("h-1"), options)).rejects.toMatchObject({ code: 5 });
    expect(refused(h)).toEqual({ will: 1 });
    expect(h.presences).toEqual([]);
  });
});

describe("keepers", () => {
  const keeper = (h: Harness): Promise<MqttClient> =>
    h.connect("desk", h.tlsOf({ role: "keeper", id: "desk" }));

  it("read events: all, below a level, one", async () => {
    const h = await start();
    const client = await keeper(h);
    const topics: string[] = [];
    client.on("message", (topic) => topics.push(topic));
    await client.subscribeAsync(["caliber/v1/events/#", "caliber/v1/events/a/#", "caliber/v1/events/a/b"], {
      qos: 1,
    });
    await h.broker.publishEvent("caliber/v1/events/a/b", Buffer.from("1"));
    await h.broker.publishEvent("caliber/v1/events/c", Buffer.from("2"));
    await h.broker.publishEvent("caliber/v1/events/d", Buffer.from("3"));
    // Each once, though three filters match the first; in order.
    await vi.waitFor(() => expect(topics.at(-1)).toBe("caliber/v1/events/d"));
    expect(topics).toEqual(["caliber/v1/events/a/b", "caliber/v1/events/c", "caliber/v1/events/d"]);
  });

  it("never hear a report", async () => {
    const h = await start();
    const client = await keeper(h);
    const topics: string[] = [];
    client.on("message", (topic) => topics.push(topic));
    await client.subscribeAsync("caliber/v1/events/#");
    const host = await h.connect("h-1", h.hostTls("h-1"));
    await host.publishAsync(reportTopic("h-1", device), "x", { qos: 1 });
    await h.broker.publishEvent("caliber/v1/events/last", Buffer.from("x"));
    await vi.waitFor(() => expect(topics).toEqual(["caliber/v1/events/last"]));
  });

  it.each([
    "#",
    "caliber/v1/#",
    "caliber/v1/events/+",
    "caliber/v1/events",
    "caliber/v1/eventsx/#",
    "caliber/v1/events/$share/#",
    downTopic("h-1"),
  ])("do not read %s", async (filter) => {
    const h = await start();
    const client = await keeper(h);
    client.on("error", () => undefined);
    client.subscribe(filter);
    await ended(client);
    expect(refused(h)).toEqual({ subscribe_filter: 1 });
  });

  it.each(["caliber/v1/events/x", presenceTopic("desk"), reportTopic("desk", device)])(
    "do not write %s",
    async (topic) => {
      const h = await start();
      const client = await keeper(h);
      client.on("error", () => undefined);
      client.publish(topic, "x");
      await ended(client);
      expect(refused(h)).toEqual({ publish_topic: 1 });
      expect([h.reports, h.presences]).toEqual([[], []]);
    },
  );
});
