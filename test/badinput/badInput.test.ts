import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import fc from "fast-check";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { p256Order } from "../../protocol/crypto/p256Order.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { encodeEnvelope } from "../../protocol/dsse/encodeEnvelope.js";
import { pae } from "../../protocol/dsse/pae.js";
import { parseEnvelope } from "../../protocol/dsse/parseEnvelope.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { signEnvelope } from "../../protocol/dsse/signEnvelope.js";
import { decodeEntry } from "../../protocol/log/entry.js";
import { refusalCodes } from "../../protocol/refusal.js";
import { createEnrolToken } from "../../registry/createEnrolToken.js";
import { createRegistry, type Registry } from "../../registry/createRegistry.js";
import { databasePath } from "../../registry/databasePath.js";
import { createCa } from "../../registry/enrol/createCa.js";
import { issueClientCertificate } from "../../registry/enrol/issueClientCertificate.js";
import { openCa } from "../../registry/enrol/openCa.js";
import { loadRegistryKeys } from "../../registry/keys/registryKeys.js";
import { openDatabase } from "../../registry/store/openDatabase.js";
import { rebuild, tableDigests } from "../../registry/store/rebuild.js";
import { openCore } from "../../registry/testing/openCore.js";
import { enrolTestHost, sha256, type TestDevice, type TestHost } from "../support/testHost.js";
import { busyTelemetry, testChain } from "../support/testReports.js";
import { type BadClient, badClient } from "./badClient.js";

const minute = 60_000;
const data_dir = mkdtempSync(join(tmpdir(), "caliber-badinput-"));
const begin_ms = Date.now();
const beacon = { number: 77, hash: `0x${"be".repeat(32)}` };
const fatal: unknown[] = [];
let registry: Registry;
let reader: Database.Database;
let good: Host;
let bad: Host;
let mutator: Host;

/** A host with its connection and a chain for each device, whose windows last a second. */
type Host = Awaited<ReturnType<typeof startHost>>;
async function startHost(label: string, deviceCount: number) {
  const token = createEnrolToken({
    data_dir,
    url: `https://localhost:${registry.enrol_port}`,
    recipient: `0x${"11".repeat(20)}`,
    operator: label,
    valid_ms: minute,
    now_ms: Date.now(),
  });
  const host: TestHost = await enrolTestHost(token, deviceCount, label);
  const link: BadClient = await badClient(host);
  const from_ms = Date.now() - 14 * minute;
  const chains = host.devices.map((device) => ({
    device,
    chain: testChain(device, host.answer.host),
    sent: [] as { statement: string; idx: number }[],
  }));
  const windowOf = (count: number) => ({
    start_ms: from_ms + count * 1000,
    end_ms: from_ms + (count + 1) * 1000,
  });
  return { host, link, chains, id: host.answer.host, windowOf };
}

/** The well-behaved host reports once with each device: kept, and the place is told. */
async function goodReports(): Promise<void> {
  for (const { device, chain, sent } of good.chains) {
    const { bytes, statement } = chain.next(
      "telemetry",
      { ...busyTelemetry, present_ms: 1000 },
      good.windowOf(sent.length),
    );
    const answer = await good.link.send(device.id, bytes, statement);
    if (!("kept" in answer)) throw new Error(`the good host was refused: ${answer.refused}`);
    sent.push({ statement, idx: answer.kept });
  }
}

const rejected = (bytes: Buffer) =>
  reader
    .prepare("SELECT host, code, bytes FROM rejected WHERE digest = ?")
    .get(Buffer.from(sha256(bytes), "hex"));
const encode = (payload: string | Buffer, { key }: TestDevice): Buffer =>
  encodeEnvelope(signEnvelope(payloadTypes.report, Buffer.from(payload), key).envelope, "");

beforeAll(async () => {
  // A beacon in the log before this start, as the chain would have put it there.
  // A log without its keys and its CA beside it is refused.
  loadRegistryKeys(join(data_dir, "keys"));
  openCa(join(data_dir, "ca"), { commonName: "caliber registry CA", now_ms: begin_ms });
  const seed = openCore({ path: databasePath(data_dir), policy: "standard", start_ms: begin_ms });
  seed.ledger.add("chain", { type: "beacon", ...beacon, time_ms: begin_ms });
  seed.settle();
  seed.crash();
  registry = await createRegistry({
    data_dir,
    bind: "127.0.0.1",
    api_bind: "127.0.0.1",
    server_names: ["localhost", "127.0.0.1"],
    mqtt_port: 0,
    enrol_port: 0,
    api_port: 0,
    host_packets_per_s: 1000,
    policy: "standard",
    window_ms: minute,
    tick_ms: 1000,
    chain: null,
    log: pino({ level: "silent" }),
    now_ms: Date.now,
    onFatal: (error) => void fatal.push(error),
  });
  reader = new Database(databasePath(data_dir), { readonly: true });
  good = await startHost("good", 2);
  bad = await startHost("bad", 2);
  mutator = await startHost("mutator", 1);
  await goodReports();
});
afterAll(async () => {
  for (const one of [good, bad, mutator]) await one?.link.client.endAsync(true);
  reader?.close();
  await registry?.stop();
  rmSync(data_dir, { recursive: true });
});

describe("at the door", () => {
  const strangers = createCa({ commonName: "another CA", now_ms: begin_ms });
  const strange = () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const identity = { role: "host", id: bad.id } as const;
    return {
      key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
      cert: issueClientCertificate(strangers, identity, spkiOf(privateKey), {
        now_ms: Date.now(),
        lifetime_ms: minute,
      }),
    };
  };

  it.each<[string, () => Parameters<typeof badClient>[1]]>([
    ["a certificate by another CA", strange],
    ["no certificate", () => ({ key: undefined, cert: undefined }) as unknown as object],
    ["another host's client id", () => ({ clientId: good.id })],
  ])("refuses %s", async (_, overrides) => {
    await expect(badClient(bad.host, overrides())).rejects.toThrow();
    expect(good.link.client.connected).toBe(true);
    await goodReports();
  });

  const closed = (link: BadClient) =>
    new Promise<void>((resolve) => {
      link.client.on("error", () => undefined);
      link.client.once("close", () => resolve());
    });

  it.each<[string, (link: BadClient) => void]>([
    [
      "another host's topic",
      (link) =>
        void link.publish(good.chains[0]!.device.id, Buffer.from("x"), good.id).catch(() => undefined),
    ],
    [
      "a packet above 64 KiB",
      (link) => void link.publish(bad.chains[0]!.device.id, Buffer.alloc(70_000, "x")).catch(() => undefined),
    ],
    ["another host's downlink", (link) => void link.client.subscribe(`caliber/v1/${good.id}/down`)],
  ])("ends the session over %s, and takes the host back", async (_, offend) => {
    const before = registry.counts();
    const end = closed(bad.link);
    offend(bad.link);
    await end;
    expect(registry.counts()).toEqual(before);
    bad.link = await badClient(bad.host);
    await goodReports();
  });
});

describe("a report that is refused", () => {
  const window = (from: number, to: number) => ({
    start_ms: begin_ms + from,
    end_ms: begin_ms + to,
    mono_start_ms: 0,
    mono_end_ms: 0,
  });
  /** The bad host's first report that is not wrong, changed. */
  const draft = (change: object = {}) => ({
    ...bad.chains[0]!.chain.draft("telemetry", busyTelemetry, bad.windowOf(bad.chains[0]!.sent.length)),
    ...change,
  });
  const own = () => bad.chains[0]!.device;
  const signed = (change: object): Buffer => encode(JSON.stringify(draft(change)), own());
  const respell = (from: string, to: string): Buffer => {
    const text = JSON.stringify(draft());
    expect(text).toContain(from);
    return encode(text.replace(from, to), own());
  };
  const signature = (change: (bytes: Buffer) => Buffer): Buffer => {
    const envelope = parseEnvelope(signed({}));
    return encodeEnvelope({ ...envelope, signature: change(envelope.signature) }, "");
  };

  beforeAll(async () => {
    // Three honest reports first, so that there is a chain to harm.
    const { device, chain, sent } = bad.chains[0]!;
    for (let i = 0; i < 3; i += 1) {
      const { bytes, statement } = chain.next("telemetry", busyTelemetry, bad.windowOf(i));
      const answer = await bad.link.send(device.id, bytes, statement);
      sent.push({ statement, idx: "kept" in answer ? answer.kept : -1 });
    }
  });

  it.each<[string, string, () => Buffer, (() => string)?]>([
    ["garbage", "ENVELOPE_MALFORMED", () => Buffer.from([0xff, 0x00, 0x7b, 0x22])],
    ["nothing", "ENVELOPE_MALFORMED", () => Buffer.alloc(0)],
    ["an envelope above 24 KiB", "TOO_LARGE", () => Buffer.alloc(24 * 1024 + 1, " ")],
    [
      "another payload type",
      "PAYLOAD_TYPE_UNKNOWN",
      () => encodeEnvelope(signEnvelope(payloadTypes.down, Buffer.from("{}"), own().key).envelope, ""),
    ],
    [
      "a bad signature",
      "SIGNATURE_INVALID",
      () => signature((bytes) => Buffer.concat([bytes.subarray(0, 40), Buffer.alloc(24)])),
    ],
    ["a short signature", "SIGNATURE_MALFORMED", () => signature((bytes) => bytes.subarray(1))],
    [
      "a high S",
      "SIGNATURE_HIGH_S",
      () =>
        signature((bytes) => {
          const high = p256Order - BigInt(`0x${bytes.toString("hex", 32)}`);
          return Buffer.concat([
            bytes.subarray(0, 32),
            Buffer.from(high.toString(16).padStart(64, "0"), "hex"),
          ]);
        }),
    ],
    [
      "another device's signature",
      "SIGNATURE_INVALID",
      () => encode(JSON.stringify(draft()), bad.chains[1]!.device),
    ],
    ["no JSON", "JSON_MALFORMED", () => encode("{", own())],
    ["an unknown version", "SCHEMA_VERSION_UNKNOWN", () => signed({ v: 2 })],
    ["an unknown kind", "SCHEMA_INVALID", () => signed({ kind: "praise" })],
    ["an unknown member", "SCHEMA_INVALID", () => signed({ extra: 1 })],
    ["a float where an integer belongs", "SCHEMA_INVALID", () => respell('"mean":947', '"mean":947.5')],
    ["an integer written as a float", "SCHEMA_INVALID", () => respell('"samples":60', '"samples":60.0')],
    ["an exponent", "SCHEMA_INVALID", () => respell('"samples":60', '"samples":6e1')],
    ["another device", "DEVICE_MISMATCH", () => signed({ device: bad.chains[1]!.device.id })],
    ["another host", "HOST_MISMATCH", () => signed({ host: good.id })],
    ["a second statement for one seq", "EQUIVOCATION", () => signed({ seq: 1, agent: "other/1" })],
    ["a wrong predecessor", "PREV_MISMATCH", () => signed({ prev: "ab".repeat(32) })],
    [
      "a window that overlaps",
      "WINDOW_OVERLAP",
      () => signed({ window: { ...draft().window, start_ms: bad.windowOf(2).end_ms - 1 } }),
    ],
    [
      "a window that ends before it starts",
      "WINDOW_INVERTED",
      () => signed({ window: window(-1000, -2000) }),
    ],
    ["a window of the future", "WINDOW_IN_FUTURE", () => signed({ window: window(0, 60 * minute) })],
    [
      "a window above ten minutes",
      "WINDOW_TOO_LONG",
      () => signed({ seq: 9, window: window(-12 * minute, -minute) }),
    ],
    ["a beacon that nobody issued", "BEACON_UNKNOWN", () => signed({ beacon: { ...beacon, number: 78 } })],
    ["a window older than its beacon allows", "BEFORE_BEACON", () => signed({ beacon })],
    ["a device that is not enrolled", "DEVICE_UNKNOWN", () => signed({}), () => "ab".repeat(32)],
    ["another host's device", "DEVICE_NOT_OF_HOST", () => signed({}), () => good.chains[0]!.device.id],
  ])("for %s is told %s, kept with the reason, and harms nothing", async (_, code, make, deviceOf) => {
    const bytes = make();
    await goodReports();
    const { kept } = registry.counts();
    expect(await bad.link.send(deviceOf?.() ?? own().id, bytes)).toEqual({ refused: code });
    expect(rejected(bytes)).toEqual({ host: bad.id, code, bytes });
    expect(registry.counts().kept).toBe(kept);
    await goodReports();
    expect(bad.link.client.connected).toBe(true);
  });

  it("leaves the chain of its own device where it was: the next honest one is kept", async () => {
    const { device, chain, sent } = bad.chains[0]!;
    const { bytes, statement } = chain.next("telemetry", busyTelemetry, bad.windowOf(sent.length));
    const answer = await bad.link.send(device.id, bytes, statement);
    expect(answer).toEqual({ kept: expect.any(Number) });
  });
});

describe("a report that is replayed", () => {
  it("by its own host is acknowledged again with the same place, and kept once", async () => {
    const { device, chain, sent } = good.chains[0]!;
    const { bytes, statement } = chain.next("telemetry", busyTelemetry, good.windowOf(sent.length));
    const first = await good.link.send(device.id, bytes, statement);
    sent.push({ statement, idx: (first as { kept: number }).kept });
    const { kept, duplicates } = registry.counts();
    expect(await good.link.send(device.id, bytes, statement)).toEqual(first);
    expect(registry.counts()).toMatchObject({ kept, duplicates: duplicates + 1 });
    // By another host, under its own topic: not its device.
    expect(await bad.link.send(device.id, bytes)).toEqual({ refused: "DEVICE_NOT_OF_HOST" });
    // And for a device of its own: not by that key.
    expect(await bad.link.send(bad.chains[1]!.device.id, bytes)).toEqual({ refused: "SIGNATURE_INVALID" });
    await goodReports();
  });
});

describe("1,000 mutations of a good report", () => {
  const edit = fc.oneof(
    fc.record({ at: fc.nat(), flip: fc.integer({ min: 1, max: 255 }) }),
    fc.record({ at: fc.nat(), cut: fc.integer({ min: 1, max: 400 }) }),
    fc.record({ at: fc.nat(), insert: fc.uint8Array({ minLength: 1, maxLength: 20 }) }),
    fc.record({ at: fc.nat(), swap: fc.nat() }),
  );
  const mutate = (
    bytes: Buffer,
    edits: readonly (typeof edit extends fc.Arbitrary<infer T> ? T : never)[],
  ) => {
    let out = Buffer.from(bytes);
    for (const one of edits) {
      const at = one.at % Math.max(1, out.length);
      if ("flip" in one) out[at] = (out[at] ?? 0) ^ one.flip;
      else if ("cut" in one) out = Buffer.concat([out.subarray(0, at), out.subarray(at + one.cut)]);
      else if ("insert" in one) out = Buffer.concat([out.subarray(0, at), one.insert, out.subarray(at)]);
      else {
        const other = one.swap % Math.max(1, out.length);
        [out[at], out[other]] = [out[other] ?? 0, out[at] ?? 0];
      }
    }
    return out;
  };

  it("are each refused with a code, or are the report itself in other words", async () => {
    const { device, chain } = mutator.chains[0]!;
    const original = chain.next("telemetry", busyTelemetry, mutator.windowOf(0));
    const seed = Date.now();
    const made = new Map<string, Buffer>();
    const samples = fc.sample(fc.array(edit, { minLength: 1, maxLength: 3 }), { seed, numRuns: 1200 });
    for (const edits of samples) {
      const bytes = mutate(original.bytes, edits);
      if (made.size < 1000 && !bytes.equals(original.bytes)) made.set(sha256(bytes), bytes);
    }
    expect([seed, made.size]).toEqual([seed, 1000]);
    const { link } = mutator;
    const before = link.answers();
    const sends = [...made.values()].map((bytes) => link.publish(device.id, bytes));
    await goodReports();
    await Promise.all(sends);
    await link.until(() => link.answers() - before >= 1000);
    await goodReports();

    const known: ReadonlySet<string> = new Set(refusalCodes);
    const publicKey = createPublicKey(device.key);
    for (const [digest, bytes] of made) {
      const code = link.refused.get(digest);
      if (code === undefined) {
        // Taken: then it says the same, signed by the same key.
        const { payloadType, payload, signature } = parseEnvelope(bytes);
        const message = pae(payloadType, payload);
        expect([seed, sha256(message)]).toEqual([seed, original.statement]);
        expect(verify("sha256", message, { key: publicKey, dsaEncoding: "ieee-p1363" }, signature)).toBe(
          true,
        );
      } else {
        expect([seed, code, known.has(code)]).toEqual([seed, code, true]);
        expect(rejected(bytes)).toEqual({ host: mutator.id, code, bytes });
      }
    }
    expect(link.refused.size).toBeGreaterThan(900);
    expect([...link.kept.keys()].filter((statement) => statement !== original.statement)).toEqual([]);
    // Whatever came before, the report itself is good.
    expect(await link.send(device.id, original.bytes, original.statement)).toEqual({
      kept: expect.any(Number),
    });
  });
});

describe("after all that", () => {
  it("the good host's chains are whole, its devices unharmed, and every receipt is true", () => {
    for (const { device, sent } of good.chains) {
      expect(sent.length).toBeGreaterThan(50);
      const fold = JSON.parse(
        (
          reader
            .prepare("SELECT fold FROM device_fold JOIN device USING (id) WHERE device = ?")
            .get(device.id) as { fold: string }
        ).fold,
      );
      expect(fold).toMatchObject({ missing: 0, dispute: null, findings: {} });
      for (const { idx, statement } of sent) {
        const row = reader.prepare("SELECT bytes FROM entry WHERE idx = ?").get(idx) as { bytes: Buffer };
        const entry = decodeEntry(row.bytes);
        expect(entry.kind === "report" && sha256(entry.pae)).toBe(statement);
      }
    }
    expect(fatal).toEqual([]);
  });

  it("the device that equivocated is in dispute, with both sides in the log", () => {
    const { fold } = reader
      .prepare("SELECT fold FROM device_fold JOIN device USING (id) WHERE device = ?")
      .get(bad.chains[0]!.device.id) as { fold: string };
    expect(JSON.parse(fold)).toMatchObject({ state: "disputed", dispute: "equivocation", head: { seq: 3 } });
  });

  it("a rebuild gives byte-equal tables", async () => {
    for (const one of [good, bad, mutator]) await one.link.client.endAsync(true);
    reader.close();
    await registry.stop();
    const db = openDatabase(databasePath(data_dir));
    const before = tableDigests(db);
    const { digests, entries } = rebuild(db);
    expect(digests).toEqual(before);
    expect(entries).toBeGreaterThan(1000);
    expect(db.prepare("SELECT count(*) AS n FROM report").get()).toEqual({
      n: good.chains.reduce((sum, { sent }) => sum + sent.length, 0) + 4 + 1,
    });
    db.close();
  });
});
