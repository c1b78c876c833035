import { connect as tcpConnect } from "node:net";
import { type TLSSocket, connect as tlsConnect } from "node:tls";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { downTopic, presenceTopic, reportTopic } from "../../protocol/topics.js";
import { createCa } from "../../registry/enrol/createCa.js";
import { revokeHost } from "../../registry/revokeHost.js";
import { type BadClient, badClient } from "../badinput/badClient.js";
import { busyTelemetry } from "../support/testReports.js";
import { type AttackHost, type AttackSystem, attackSystem } from "./support/attackSystem.js";

let system: AttackSystem;
let honest: AttackHost;
let thief: AttackHost;
beforeAll(async () => {
  system = await attackSystem();
  honest = await system.host("honest");
  thief = await system.host("thief");
});
afterAll(() => system.close());
beforeEach(async () => {
  if (!thief.link().client.connected) await thief.reconnect();
});

const closed = (link: BadClient): Promise<void> =>
  new Promise((resolve) => {
    link.client.on("error", () => undefined);
    link.client.once("close", () => resolve());
  });
/** The honest host is served as before. */
const unharmed = async (): Promise<void> => {
  expect(honest.link().client.connected).toBe(true);
  await honest.devices[0]!.say("telemetry", busyTelemetry);
};
const raw = (): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const { port } = new URL(thief.answer.mqtt_url);
    const tls = system.tlsOf({ role: "host", id: thief.id });
    const socket: TLSSocket = tlsConnect({ host: "127.0.0.1", port: Number(port), ...tls }, () =>
      resolve(socket),
    );
    socket.once("error", reject);
  });
const gone = (socket: { on: TLSSocket["on"]; once: TLSSocket["once"] }): Promise<void> =>
  new Promise((resolve) => {
    socket.on("error", () => undefined);
    socket.once("close", () => resolve());
  });

describe("who gets no connection", () => {
  type Attack = { name: string; overrides: () => Parameters<typeof badClient>[1] };
  it.each<Attack>([
    {
      name: "a host without a certificate",
      overrides: () => ({ key: undefined, cert: undefined }) as object,
    },
    {
      name: "a certificate that another CA of the same name issued",
      overrides: () =>
        system.tlsOf(
          { role: "host", id: honest.id },
          createCa({ commonName: "caliber registry CA", now_ms: Date.now() }),
        ),
    },
    {
      name: "a certificate that has expired",
      overrides: () => system.tlsOf({ role: "host", id: thief.id }, system.ca(), -1000),
    },
    {
      name: "a stolen certificate without its key",
      overrides: () => ({
        cert: honest.answer.certificate,
        key: thief.key.export({ type: "pkcs8", format: "pem" }) as string,
      }),
    },
    { name: "the client id of another host", overrides: () => ({ clientId: honest.id }) },
    { name: "a client id with a wildcard", overrides: () => ({ clientId: "+" }) },
    { name: "a client id with a line end", overrides: () => ({ clientId: `${thief.id}\r\nh-x` }) },
    {
      name: "a last will as another host",
      overrides: () => ({
        will: { topic: presenceTopic(honest.id), payload: Buffer.from("{}"), qos: 0, retain: false },
      }),
    },
    {
      name: "a last will that is a report",
      overrides: () => ({
        will: {
          topic: reportTopic(thief.id, thief.devices[0]!.id),
          payload: Buffer.from("{}"),
          qos: 0,
          retain: false,
        },
      }),
    },
    {
      name: "a host that nobody enrolled, with a certificate of the right CA",
      overrides: () => ({
        ...system.tlsOf({ role: "host", id: `h-${"0".repeat(32)}` }),
        clientId: `h-${"0".repeat(32)}`,
      }),
    },
  ])("$name", async ({ overrides }) => {
    await expect(badClient(thief, overrides())).rejects.toThrow();
    await unharmed();
  });

  it("a revoked host, whose session ends at once", async () => {
    const revoked = await system.host("revoked");
    const end = closed(revoked.link());
    await revokeHost({ data_dir: system.data_dir, host: revoked.id, reason: "test", now_ms: system.now_ms });
    await end;
    await expect(badClient(revoked)).rejects.toThrow();
    await unharmed();
  });
});

describe("what ends a session and reaches nobody", () => {
  type Attack = { name: string; offend: (link: BadClient) => unknown };
  const own = () => reportTopic(thief.id, thief.devices[0]!.id);
  const publish =
    (topic: () => string, options: object = {}): Attack["offend"] =>
    ({ client }) =>
      void client.publishAsync(topic(), "x", { qos: 0, ...options }).catch(() => undefined);
  const subscribe =
    (filter: () => string): Attack["offend"] =>
    ({ client }) =>
      void client.subscribeAsync(filter()).catch(() => undefined);
  it.each<Attack>([
    {
      name: "a report under another host's topic",
      offend: publish(() => reportTopic(honest.id, honest.devices[0]!.id)),
    },
    { name: "presence of another host", offend: publish(() => presenceTopic(honest.id)) },
    { name: "a forged receipt to another host", offend: publish(() => downTopic(honest.id)) },
    {
      name: "a forged event to keepers",
      offend: publish(() => `caliber/v1/events/${honest.devices[0]!.id}`),
    },
    { name: "a device named __proto__", offend: publish(() => `caliber/v1/${thief.id}/__proto__/report`) },
    { name: "a host named constructor", offend: publish(() => "caliber/v1/constructor/presence") },
    {
      name: "a topic with a line end",
      offend: publish(() => `caliber/v1/${thief.id}/x\r\n${honest.id}/report`),
    },
    { name: "a message to the broker's own topics ($SYS)", offend: publish(() => "$SYS/broker/x") },
    { name: "a retained report", offend: publish(own, { retain: true }) },
    { name: "a report with QoS 2", offend: publish(own, { qos: 2 }) },
    { name: "another host's downlink, read along", offend: subscribe(() => downTopic(honest.id)) },
    { name: "everything, by wildcard", offend: subscribe(() => "#") },
    { name: "all downlinks, by wildcard", offend: subscribe(() => "caliber/v1/+/down") },
    { name: "a shared subscription ($share)", offend: subscribe(() => `$share/g/${downTopic(thief.id)}`) },
    { name: "the broker's own topics ($SYS), read", offend: subscribe(() => "$SYS/#") },
    { name: "events, read without a keeper's certificate", offend: subscribe(() => "caliber/v1/events/#") },
    {
      name: "a packet above 64 KiB",
      offend: ({ client }) => void client.publishAsync(own(), Buffer.alloc(70_000)).catch(() => undefined),
    },
  ])("$name", async ({ offend }) => {
    const before = system.registry().counts();
    const heard: string[] = [];
    const listen = (topic: string): void => void heard.push(topic);
    honest.link().client.on("message", listen);
    const end = closed(thief.link());
    offend(thief.link());
    await end;
    expect(system.registry().counts()).toEqual(before);
    expect(heard).toEqual([]);
    honest.link().client.off("message", listen);
    await unharmed();
  });

  it.each<{ name: string; offend: (link: { client: BadClient["client"] }) => unknown }>([
    {
      name: "a keeper that publishes a report",
      offend: ({ client }) => void client.publish(reportTopic(honest.id, honest.devices[0]!.id), "x"),
    },
    {
      name: "a keeper that publishes an event",
      offend: ({ client }) => void client.publish(`caliber/v1/events/${honest.devices[0]!.id}`, "x"),
    },
    { name: "a keeper that reads reports", offend: ({ client }) => void client.subscribe("caliber/v1/#") },
  ])("$name", async ({ offend }) => {
    const before = system.registry().counts();
    const desk = await keeper();
    const end = closed({ client: desk } as BadClient);
    offend({ client: desk });
    await end;
    expect(system.registry().counts()).toEqual(before);
    await unharmed();
  });
});

describe("what is meant to hold the broker up", () => {
  it.each([
    { name: "a packet of 64 MiB, announced", bytes: Buffer.of(0x30, 0x80, 0x80, 0x80, 0x20) },
    { name: "a packet whose length never ends", bytes: Buffer.of(0x10, 0x80, 0x80, 0x80, 0x80, 0x80) },
    { name: "HTTP spoken to the broker", bytes: Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n") },
  ])("$name", async ({ bytes }) => {
    const socket = await raw();
    const end = gone(socket);
    socket.write(bytes);
    await end;
    await unharmed();
  });

  it("forty TLS handshakes that never end (slow loris)", async () => {
    const { port } = new URL(thief.answer.mqtt_url);
    const sockets = Array.from({ length: 40 }, () => tcpConnect(Number(port), "127.0.0.1"));
    const ends = Promise.all(
      sockets.map(
        (socket) =>
          new Promise<void>((resolve) => {
            socket.on("error", () => undefined);
            socket.once("close", () => resolve());
            socket.resume();
            // A handshake record's head, and never its body.
            socket.write(Buffer.of(0x16, 0x03, 0x01, 0x02, 0x00));
          }),
      ),
    );
    await unharmed();
    await ends;
    await unharmed();
  }, 30_000);
});

async function keeper(): Promise<BadClient["client"]> {
  const { connectAsync } = await import("mqtt");
  const { port } = new URL(honest.answer.mqtt_url);
  return connectAsync({
    protocol: "mqtts",
    host: "localhost",
    port: Number(port),
    protocolVersion: 4,
    reconnectPeriod: 0,
    clientId: "desk",
    ...system.tlsOf({ role: "keeper", id: "desk" }),
  });
}
