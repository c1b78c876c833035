import pino from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CaliberError } from "../../protocol/errors.js";
import { brokerHarness, type ClientTls } from "../../test/support/brokerHarness.js";
import type { WaitingReport } from "../spool/spool.js";
import { createPublisher, type Heard, type Publisher, type PublisherOptions } from "./createPublisher.js";
import { mqttTransport } from "./mqttTransport.js";
import type { Session } from "./transport.js";

const host = "h-1";
const device = (letter: string): string => letter.repeat(64);
type Harness = Awaited<ReturnType<typeof brokerHarness>>;

let harness: Harness;
let tls: ClientTls;
let publisher: Publisher;
let waiting: WaitingReport[];
let arrived: string[];
let lines: { level: number; code?: string; msg: string }[];
let renewals: boolean[];
/** What the stand-in of the registry does with a report, and with a presence message. */
let onReport: (place: string) => void;
let onPresence: (payload: string) => void;

const receipt = (places: string[]): void => {
  waiting = waiting.filter(({ envelope }) => !places.includes(envelope.toString()));
  const reports = places.map((place) => ({ device: device(place[0]!), seq: Number(place.slice(1)) }));
  harness.broker.sendDown(host, Buffer.from(JSON.stringify({ type: "settled", reports })));
};
const head = (presence: string): void => {
  const { state, nonce } = JSON.parse(presence) as { state: string; nonce?: string };
  if (state === "online") harness.broker.sendDown(host, Buffer.from(JSON.stringify({ type: "head", nonce })));
};
const until = async (met: () => boolean, tries = 500): Promise<void> => {
  for (let n = 0; !met(); n++) {
    if (n > tries) throw new Error("it never happened");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
const start = (over: Partial<PublisherOptions> = {}): void => {
  publisher = createPublisher({
    transport: mqttTransport,
    spool: { waitingAfter: (id, limit) => waiting.filter((one) => one.id > id).slice(0, limit) },
    session: async (renew): Promise<Session> => {
      renewals.push(renew);
      const { key, cert: certificate, ca } = tls;
      return { url: `mqtts://127.0.0.1:${harness.broker.port}`, host, ca, certificate, key };
    },
    receive: (bytes) => JSON.parse(bytes.toString()) as Heard,
    mono_ms: () => Math.floor(performance.now()),
    random: () => 0.9,
    log: pino({ level: "debug" }, { write: (line: string) => void lines.push(JSON.parse(line)) }),
    presence_every_ms: 50,
    ...over,
  });
  publisher.start();
};
beforeEach(async () => {
  waiting = ["a0", "b0", "a1", "b1", "a2"].map((place, index) => ({
    id: index + 1,
    device: device(place[0]!),
    seq: Number(place[1]),
    statement: place,
    envelope: Buffer.from(place),
  }));
  arrived = [];
  lines = [];
  renewals = [];
  onReport = (place) => receipt([place]);
  onPresence = head;
  harness = await brokerHarness({
    onReport: async ({ payload }) => {
      const place = payload.toString();
      arrived.push(place);
      onReport(place);
    },
  });
  // The harness keeps presences to itself; here they are answered.
  const { presences } = harness;
  presences.push = (one) => {
    setImmediate(() => onPresence(one.payload));
    return 1;
  };
  tls = harness.hostTls(host);
});
afterEach(async () => {
  await publisher.stop(0);
  await harness.close();
});

describe("createPublisher", () => {
  it("asks for the heads until they come, and only then sends, each device's reports in order", async () => {
    let asked = 0;
    const arrivedBefore: number[] = [];
    onPresence = (presence) => {
      asked += 1;
      arrivedBefore.push(arrived.length);
      if (asked === 3) head(presence);
    };
    start();
    await until(() => waiting.length === 0);
    expect(arrivedBefore).toEqual([0, 0, 0]);
    expect(arrived.filter((place) => place.startsWith("a"))).toEqual(["a0", "a1", "a2"]);
    expect(arrived.filter((place) => place.startsWith("b"))).toEqual(["b0", "b1"]);
    expect(publisher.connected()).toBe(true);
    await until(() => publisher.inFlight() === 0);
  });

  it("does not take a head that answers another question", async () => {
    onPresence = () =>
      harness.broker.sendDown(host, Buffer.from(JSON.stringify({ type: "head", nonce: "0".repeat(32) })));
    start();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(publisher.connected()).toBe(false);
    expect(arrived).toEqual([]);
  });

  it("keeps a bounded number of reports on the way", async () => {
    onReport = () => undefined;
    start({ max_in_flight: 2 });
    await until(() => arrived.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(arrived).toEqual(["a0", "b0"]);
    onReport = (place) => receipt([place]);
    receipt(["a0", "b0"]);
    await until(() => waiting.length === 0);
  });

  it("connects again when it is cut off, and sends again what has no receipt", async () => {
    onReport = (place) => {
      if (place === "a0") receipt([place]);
    };
    start();
    await until(() => arrived.length === 5);
    onReport = (place) => receipt([place]);
    harness.broker.disconnect(host);
    await until(() => waiting.length === 0);
    expect(arrived.slice(5).sort()).toEqual(["a1", "a2", "b0", "b1"]);
    expect(lines.some(({ level, msg }) => level === 40 && msg === "no connection to the broker")).toBe(true);
  });

  it("sends again over the same connection when a receipt does not come", async () => {
    onReport = () => undefined;
    start({ resend_after_ms: 100 });
    await until(() => arrived.length >= 10);
    expect(arrived.slice(5, 10)).toEqual(["a0", "b0", "a1", "b1", "a2"]);
  });

  it("asks for a new certificate when its own has run out", async () => {
    const expired = harness.tlsOf({ role: "host", id: host }, { lifetime_ms: 1000 });
    await new Promise((resolve) => setTimeout(resolve, 2100));
    tls = expired;
    start({
      session: async (renew): Promise<Session> => {
        renewals.push(renew);
        if (renew) tls = harness.hostTls(host);
        const { key, cert: certificate, ca } = tls;
        return { url: `mqtts://127.0.0.1:${harness.broker.port}`, host, ca, certificate, key };
      },
    });
    await until(() => waiting.length === 0, 1000);
    expect(renewals.at(-1)).toBe(true);
    expect(renewals.filter((renew) => renew)).toHaveLength(1);
  }, 20_000);

  it("connects anew with a renewed certificate without losing anything", async () => {
    start();
    await until(() => waiting.length === 0);
    tls = harness.hostTls(host);
    waiting = [{ id: 9, device: device("a"), seq: 3, statement: "a3", envelope: Buffer.from("a3") }];
    publisher.reconnect();
    await until(() => waiting.length === 0);
    expect(renewals).toHaveLength(2);
  });

  it("is loud about a broker that does not take it", async () => {
    tls = harness.hostTls("h-2");
    start();
    await until(() => lines.some(({ msg }) => msg === "no connection to the broker"));
    expect(lines.find(({ msg }) => msg === "no connection to the broker")?.level).toBe(50);
    expect(arrived).toEqual([]);
  });

  it("asks for a certificate when it is refused again and again, and tells what the registry says", async () => {
    tls = harness.hostTls("h-2");
    start({
      session: async (renew): Promise<Session> => {
        renewals.push(renew);
        if (renew) throw new CaliberError("HOST_REVOKED", "the host is revoked");
        const { key, cert: certificate, ca } = tls;
        return { url: `mqtts://127.0.0.1:${harness.broker.port}`, host, ca, certificate, key };
      },
    });
    await until(() => lines.some(({ code }) => code === "HOST_REVOKED"), 1000);
    expect(renewals).toEqual([false, false, false, true]);
  }, 20_000);

  it("speaks to no server that its CA did not certify", async () => {
    const other = await brokerHarness();
    tls = { ...tls, ca: other.ca.certificate };
    start();
    await until(() => lines.some(({ msg }) => msg === "no connection to the broker"));
    expect(harness.broker.connections()).toBe(0);
    await other.close();
  });

  it("stops at once when nobody answers", async () => {
    onReport = () => undefined;
    start();
    await until(() => publisher.connected());
    const before = performance.now();
    await publisher.stop(100);
    expect(performance.now() - before).toBeLessThan(1000);
  });
});
