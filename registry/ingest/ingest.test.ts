import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { p256Order } from "../../protocol/crypto/p256Order.js";
import { publicKeyFromSpki } from "../../protocol/crypto/spki.js";
import { encodeEnvelope } from "../../protocol/dsse/encodeEnvelope.js";
import { parseEnvelope } from "../../protocol/dsse/parseEnvelope.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { signEnvelope } from "../../protocol/dsse/signEnvelope.js";
import { decodeEntry } from "../../protocol/log/entry.js";
import type { FindingBody, RejectBody } from "../../protocol/log/entryBodies.js";
import { refusalCodes } from "../../protocol/refusal.js";
import { sha256, type TestDevice } from "../../test/support/testHost.js";
import { busyTelemetry, type SignedReport, testChain } from "../../test/support/testReports.js";
import { gapBody } from "../testing/foldBench.js";
import { type Core, openCore } from "../testing/openCore.js";
import { testDevice } from "../testing/testDevice.js";
import { maxEnvelopeBytes } from "./ingest.js";

const vectors = JSON.parse(
  readFileSync(new URL("../../fixtures/vectors/report-envelopes.json", import.meta.url), "utf8"),
) as {
  host: string;
  device: string;
  device_spki: string;
  accepted: { name: string; envelope: string; statement: string; log_entry: string }[];
  reencoded: { of: string; statement: string; envelopes: string[] };
  refused: { name: string; envelope: string; code: string }[];
};

const minute = 60_000;
const cores: Core[] = [];
const open = (options: Parameters<typeof openCore>[0] = {}): Core => {
  const core = openCore({ group_ms: 0, ...options });
  cores.push(core);
  return core;
};
afterEach(() => {
  for (const core of cores.splice(0)) core.crash();
});

/** A core with two hosts of one device each. */
const start = (options: Parameters<typeof openCore>[0] = {}) => {
  const core = open(options);
  const mine = testDevice();
  const theirs = testDevice();
  core.enrol("h-1", [mine]);
  core.enrol("h-2", [theirs]);
  const chain = testChain(mine, "h-1");
  let end_ms = core.now_ms();
  const sign = (change: object = {}, window?: { start_ms: number; end_ms: number }): SignedReport => {
    const from_ms = end_ms;
    end_ms = core.advance(1000);
    return chain.next("telemetry", { ...busyTelemetry, ...change }, window ?? { start_ms: from_ms, end_ms });
  };
  const take = (payload: Buffer, device: TestDevice = mine, host = "h-1"): Promise<void> =>
    core.ingest.take({ host, device: device.id, payload });
  /** What the last receipt says of these bytes: the place they were given, or the refusal's code. */
  const answer = async (
    payload: Buffer,
    device: TestDevice = mine,
    host = "h-1",
  ): Promise<number | string> => {
    const from = core.downs.length;
    await take(payload, device, host);
    const bodies = core.downs.slice(from).map(({ aud, body }) => ({ aud, body }));
    expect(bodies).toHaveLength(1);
    const { aud, body } = bodies[0]!;
    if (body.type !== "receipt") throw new Error("no receipt");
    expect([aud, body.kept.length + body.refused.length]).toEqual([host, 1]);
    if (body.kept[0] !== undefined) return body.kept[0].idx;
    expect(body.refused[0]).toEqual({
      device: device.id,
      digest: sha256(payload),
      code: body.refused[0]?.code,
    });
    return body.refused[0]!.code;
  };
  const entries = <T>(kind: string): T[] =>
    [...core.log.scan(0)].flatMap(({ bytes }) => {
      const entry = decodeEntry(bytes);
      return entry.kind === kind ? [(entry.kind === "report" ? entry : entry.body) as T] : [];
    });
  return { core, mine, theirs, chain, sign, take, answer, entries };
};

describe("the report vectors", () => {
  const beacon = {
    number: 1234,
    hash: "0x43d0f2d36ed23629d10beaec558b6d9cfe9f5d17f2c330bc419b47c70a4677dc",
    time_ms: 1_767_225_600_000,
  };
  const enrolled = () => {
    const core = open({ start_ms: 1_767_225_500_000 });
    const key = publicKeyFromSpki(Buffer.from(vectors.device_spki, "hex"));
    core.enrol(vectors.host, [{ id: vectors.device, key }]);
    core.beacons.add(beacon);
    core.setTime(1_767_229_400_000);
    const take = (envelope: string) =>
      core.ingest.take({ host: vectors.host, device: vectors.device, payload: Buffer.from(envelope) });
    return { core, take };
  };

  it("that are one chain are kept, each as the log entry given", async () => {
    const { core, take } = enrolled();
    for (const { envelope } of vectors.accepted) await take(envelope);
    const { kept, refused } = core.receiptsOf(vectors.host);
    expect(refused).toEqual([]);
    expect(kept.map(({ statement }) => statement)).toEqual(
      vectors.accepted.map(({ statement }) => statement),
    );
    expect(kept.map(({ idx }) => core.log.read(idx)?.toString("hex"))).toEqual(
      vectors.accepted.map(({ log_entry }) => log_entry),
    );
    core.settle();
    expect(core.fold({ id: vectors.device } as TestDevice)).toMatchObject({ missing: 0, head: { seq: 6 } });
  });

  it("that are re-encoded are the report that they were", async () => {
    const { core, take } = enrolled();
    for (const { envelope } of vectors.accepted) await take(envelope);
    const first = core
      .receiptsOf(vectors.host)
      .kept.find(({ statement }) => statement === vectors.reencoded.statement)!;
    for (const envelope of vectors.reencoded.envelopes) {
      await take(envelope);
      expect(core.receiptsOf(vectors.host).kept.at(-1)).toEqual(first);
    }
    expect(core.ingest.counts()).toEqual({
      kept: vectors.accepted.length,
      duplicates: vectors.reencoded.envelopes.length,
      refused: 0,
    });
  });

  it.each(vectors.refused.map((one, i) => ({ ...one, i })))(
    "$i, $name: $code",
    async ({ envelope, code }) => {
      const { core, take } = enrolled();
      await take(envelope);
      const digest = sha256(Buffer.from(envelope));
      expect(core.receiptsOf(vectors.host)).toEqual({
        kept: [],
        refused: [{ device: vectors.device, digest, code }],
      });
      expect(core.db.prepare("SELECT host, device, code, bytes FROM rejected").all()).toEqual([
        { host: vectors.host, device: vectors.device, code, bytes: Buffer.from(envelope) },
      ]);
    },
  );
});

describe("order of checks", () => {
  it("looks at size, shape, type, device, host, signature, JSON, schema, names, chain, times and beacon in turn", async () => {
    const { core, mine, theirs, chain, sign, answer } = start();
    core.beacons.add({ number: 1, hash: `0x${"b".repeat(64)}`, time_ms: core.now_ms() + 10 * minute });
    const now_ms = core.now_ms();
    const first = sign();
    expect(await answer(first.bytes)).toEqual(expect.any(Number));
    const type = (payloadType: string, bytes: Buffer) =>
      Buffer.from(JSON.stringify({ ...JSON.parse(bytes.toString()), payloadType }));
    const signed = (payload: string, key = mine.key) =>
      encodeEnvelope(signEnvelope(payloadTypes.report, Buffer.from(payload), key).envelope, "");
    const reSign = (bytes: Buffer, change: (signature: Buffer) => Buffer) => {
      const envelope = parseEnvelope(bytes);
      return encodeEnvelope({ ...envelope, signature: change(envelope.signature) }, "");
    };
    const highS = (signature: Buffer) =>
      Buffer.concat([
        signature.subarray(0, 32),
        Buffer.from(
          (p256Order - BigInt(`0x${signature.toString("hex", 32)}`)).toString(16).padStart(64, "0"),
          "hex",
        ),
      ]);
    const window = { start_ms: now_ms + 500 * minute, end_ms: now_ms + 490 * minute };
    // Each is wrong in what its code says, and in what comes after.
    const draft = {
      ...chain.draft("telemetry", busyTelemetry, window, { number: 7, hash: `0x${"c".repeat(64)}` }),
      window: { ...window, mono_start_ms: 0, mono_end_ms: 0 },
      device: theirs.id,
      host: "h-9",
      seq: 0,
    };
    const fields = (change: object) => signed(JSON.stringify({ ...draft, ...change }));
    const own = { device: mine.id, host: "h-1" };
    const ahead = { ...own, seq: 5 };
    const at = (start_ms: number, end_ms: number) => ({
      window: { start_ms, end_ms, mono_start_ms: 0, mono_end_ms: 0 },
    });
    const unknown = testDevice();
    const codes: [string, Buffer, TestDevice?][] = [
      ["TOO_LARGE", Buffer.alloc(maxEnvelopeBytes + 1, "x")],
      ["ENVELOPE_MALFORMED", Buffer.alloc(maxEnvelopeBytes, "x")],
      ["PAYLOAD_TYPE_UNKNOWN", type("application/x", reSign(first.bytes, highS)), unknown],
      ["DEVICE_UNKNOWN", reSign(first.bytes, highS), unknown],
      ["DEVICE_NOT_OF_HOST", reSign(first.bytes, highS), theirs],
      ["SIGNATURE_HIGH_S", reSign(signed("{"), highS)],
      ["SIGNATURE_INVALID", signed("{", theirs.key)],
      ["JSON_MALFORMED", signed("{")],
      ["SCHEMA_VERSION_UNKNOWN", fields({ v: 2, kind: "x" })],
      ["SCHEMA_INVALID", fields({ kind: "x" })],
      ["DEVICE_MISMATCH", fields({})],
      ["HOST_MISMATCH", fields({ device: mine.id })],
      ["EQUIVOCATION", fields(own)],
      ["WINDOW_INVERTED", fields(ahead)],
      ["WINDOW_OVERLAP", fields({ ...ahead, ...at(0, now_ms + 490 * minute) })],
      [
        "PREV_MISMATCH",
        fields({ ...own, seq: 1, prev: "ee".repeat(32), ...at(now_ms + 2000, now_ms + 490 * minute) }),
      ],
      ["WINDOW_IN_FUTURE", fields({ ...ahead, ...at(now_ms + 2000, now_ms + 490 * minute) })],
    ];
    for (const [code, bytes, device] of codes)
      expect([await answer(bytes, device ?? mine), code]).toEqual([code, code]);
    core.advance(11 * minute);
    const long = at(now_ms + 2000, now_ms + 11 * minute);
    expect(await answer(fields({ ...ahead, ...long }))).toBe("WINDOW_TOO_LONG");
    const short = at(now_ms + 2000, now_ms + 4000);
    expect(await answer(fields({ ...ahead, ...short }))).toBe("BEACON_UNKNOWN");
    const beacon = { number: 1, hash: `0x${"b".repeat(64)}` };
    expect(await answer(fields({ ...ahead, ...short, beacon }))).toBe("BEFORE_BEACON");
    const told = core.receiptsOf("h-1").refused.map(({ code }) => code);
    // SIGNATURE_MALFORMED has vectors of its own, and keys that end are in endKey.test.ts; all other codes were given here.
    expect(refusalCodes.filter((code) => !told.includes(code))).toEqual([
      "SIGNATURE_MALFORMED",
      "KEY_NOT_IN_FORCE",
      "SUCCESSOR_INVALID",
    ]);
  });

  it("takes a window up to two minutes ahead of its own clock", async () => {
    const { core, chain, answer } = start();
    const end_ms = core.now_ms() + 2 * minute;
    const report = chain.next("telemetry", busyTelemetry, { start_ms: core.now_ms(), end_ms });
    expect(await answer(report.bytes)).toEqual(expect.any(Number));
  });

  it("lets a gap be as long as it was", async () => {
    const { core, chain, answer } = start();
    const window = { start_ms: core.now_ms(), end_ms: core.advance(30 * 24 * 60 * minute) };
    const report = chain.next("gap", gapBody(window.start_ms, window.end_ms), window);
    expect(await answer(report.bytes)).toEqual(expect.any(Number));
  });
});

describe("acknowledgement", () => {
  it("comes only after the commit is durable", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const { core, sign, take } = start({ group_ms: 5 });
      const settled = vi.fn();
      const size = core.log.size();
      const taken = [take(sign().bytes), take(sign().bytes), take(Buffer.from("garbage"))].map((one) =>
        one.then(() => settled(core.db.inTransaction)),
      );
      while (core.ingest.counts().kept < 2) await new Promise((resolve) => setImmediate(resolve));
      expect([settled.mock.calls.length, core.log.size(), core.downs.length]).toEqual([0, size, 0]);
      vi.advanceTimersByTime(5);
      expect(core.log.size()).toBe(size + 4);
      await Promise.all(taken);
      expect(settled.mock.calls).toEqual([[false], [false], [false]]);
      expect(core.downs).toHaveLength(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it("never comes for a commit that failed", async () => {
    const { core, sign, take } = start();
    core.db.exec("CREATE TRIGGER full BEFORE INSERT ON entry BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    const resolved = vi.fn();
    void take(sign().bytes).then(resolved);
    await vi.waitFor(() => expect(core.fatal).toHaveLength(1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([resolved.mock.calls.length, core.downs.length]).toEqual([0, 0]);
  });

  it("names the place in the log, the seq and the statement", async () => {
    const { core, mine, sign, answer } = start();
    const reports = [sign(), sign()];
    const places = [await answer(reports[0]!.bytes), await answer(reports[1]!.bytes)] as number[];
    expect(core.receiptsOf("h-1").kept).toEqual(
      reports.map(({ statement }, seq) => ({ device: mine.id, seq, statement, idx: places[seq]! })),
    );
    for (const [seq, idx] of places.entries()) {
      const entry = decodeEntry(core.log.read(idx)!);
      if (entry.kind !== "report") throw new Error("not a report");
      expect(sha256(entry.pae)).toBe(reports[seq]!.statement);
      expect(entry.signature).toEqual(parseEnvelope(reports[seq]!.bytes).signature);
    }
  });

  it("is one receipt a host and commit", async () => {
    const { core, theirs, sign, take } = start({ group_ms: 20 });
    const other = testChain(theirs, "h-2").next("gap", gapBody(0, 0), {
      start_ms: core.now_ms(),
      end_ms: core.now_ms(),
    });
    await Promise.all([
      ...[sign(), sign(), sign()].map(({ bytes }) => take(bytes)),
      take(Buffer.from("garbage")),
      take(other.bytes, theirs, "h-2"),
    ]);
    const told = core.downs.map(({ aud, body }) =>
      body.type === "receipt" ? [aud, body.kept.length, body.refused.length] : [],
    );
    expect(told.sort()).toEqual([
      ["h-1", 3, 1],
      ["h-2", 1, 0],
    ]);
  });
});

describe("order of arrival", () => {
  it("is kept for each device, though signatures are checked side by side", async () => {
    const { core, sign, take } = start({ group_ms: 5 });
    const reports = Array.from({ length: 200 }, () => sign());
    await Promise.all(reports.map(({ bytes }) => take(bytes)));
    expect(core.ingest.counts()).toEqual({ kept: 200, duplicates: 0, refused: 0 });
    expect(core.receiptsOf("h-1").kept.map(({ seq }) => seq)).toEqual(reports.map((_, seq) => seq));
    expect(core.fold({ id: reports[0]!.report.device } as TestDevice).missing).toBe(0);
  });

  it("holds between a bad signature and what follows it", async () => {
    const { core, sign, take } = start({ group_ms: 5 });
    const [first, second] = [sign(), sign()];
    const envelope = parseEnvelope(first.bytes);
    envelope.signature[5]! ^= 1;
    await Promise.all([take(encodeEnvelope(envelope, "")), take(first.bytes), take(second.bytes)]);
    const { kept, refused } = core.receiptsOf("h-1");
    expect([refused.map(({ code }) => code), kept.map(({ seq }) => seq)]).toEqual([
      ["SIGNATURE_INVALID"],
      [0, 1],
    ]);
  });
});

describe("what comes again", () => {
  it("is acknowledged again with the same place, and kept once", async () => {
    const { core, sign, answer, entries } = start();
    const reports = [sign(), sign(), sign()];
    const places: unknown[] = [];
    for (const { bytes } of reports) places.push(await answer(bytes));
    for (const [i, { bytes }] of reports.entries()) expect(await answer(bytes)).toBe(places[i]);
    expect(entries("report")).toHaveLength(3);
    expect(entries("reject")).toEqual([]);
    expect(core.ingest.counts()).toEqual({ kept: 3, duplicates: 3, refused: 0 });
  });

  it("within one commit is kept once as well", async () => {
    const { core, sign, take, entries } = start({ group_ms: 20 });
    const { bytes } = sign();
    await Promise.all([take(bytes), take(bytes), take(bytes)]);
    expect(entries("report")).toHaveLength(1);
    const places = core.receiptsOf("h-1").kept.map(({ idx }) => idx);
    expect([places.length, new Set(places).size]).toEqual([3, 1]);
  });

  it("is known after a restart", async () => {
    const { core, mine, sign, answer } = start();
    const { bytes } = sign();
    const place = await answer(bytes);
    core.kill();
    const again = open({ db: core.db, start_ms: core.now_ms() });
    cores.splice(cores.indexOf(core), 1);
    await again.ingest.take({ host: "h-1", device: mine.id, payload: bytes });
    expect(again.receiptsOf("h-1").kept).toMatchObject([{ idx: place }]);
    expect(again.ingest.counts()).toEqual({ kept: 0, duplicates: 1, refused: 0 });
  });

  it("with another signature of the same device is the same report", async () => {
    const { chain, sign, answer, entries } = start();
    const { bytes, report } = sign();
    const place = await answer(bytes);
    const again = chain.forge(report);
    expect(again.bytes).not.toEqual(bytes);
    expect(await answer(again.bytes)).toBe(place);
    expect(entries("report")).toHaveLength(1);
  });

  it("after it was refused is answered again, and logged once", async () => {
    const { core, answer, entries } = start();
    const garbage = Buffer.from("garbage");
    for (let i = 0; i < 3; i += 1) expect(await answer(garbage)).toBe("ENVELOPE_MALFORMED");
    expect(entries<RejectBody>("reject")).toEqual([
      {
        digest: sha256(garbage),
        host: "h-1",
        device: expect.any(String),
        code: "ENVELOPE_MALFORMED",
        at_ms: core.now_ms(),
      },
    ]);
    expect(core.ingest.counts().refused).toBe(3);
  });

  it("into a gap fills it", async () => {
    const { core, mine, sign, answer } = start();
    const [a, b, c, d] = [sign(), sign(), sign(), sign()];
    for (const { bytes } of [a, d, b]) expect(await answer(bytes)).toEqual(expect.any(Number));
    expect(core.fold(mine).missing).toBe(1);
    expect(await answer(c!.bytes)).toEqual(expect.any(Number));
    expect(core.fold(mine)).toMatchObject({ missing: 0, head: { seq: 3 } });
  });
});

describe("equivocation", () => {
  it("puts both sides into the log, whole, as one finding however often it is tried", async () => {
    const { core, mine, chain, sign, answer, entries } = start();
    const first = sign();
    const place = await answer(first.bytes);
    const forged = chain.forge({ ...first.report, agent: "other/1" });
    expect(await answer(forged.bytes)).toBe("EQUIVOCATION");
    expect(await answer(forged.bytes)).toBe("EQUIVOCATION");
    // The same statement under a new signature is the same lie.
    expect(await answer(chain.forge({ ...first.report, agent: "other/1" }).bytes)).toBe("EQUIVOCATION");
    const findings = entries<FindingBody>("finding");
    expect(findings).toHaveLength(1);
    const { signature } = parseEnvelope(forged.bytes);
    expect(findings[0]).toMatchObject({ code: "EQUIVOCATION", device: mine.id });
    const [entry, statement, sig, pae] = findings[0]!.sides;
    expect([entry, statement, sig]).toEqual([
      `entry:${place}`,
      `statement:${forged.statement}`,
      `signature:${signature.toString("hex")}`,
    ]);
    const bytes = Buffer.from(pae!.slice("pae:".length), "base64");
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(forged.statement);
    core.settle();
    expect(core.fold(mine)).toMatchObject({ state: "disputed", cause: "equivocation", head: { seq: 0 } });
  });

  it("is found deep in the chain too, and after a restart", async () => {
    const { core, mine, chain, sign, answer } = start();
    const reports = Array.from({ length: 5 }, () => sign());
    for (const { bytes } of reports) await answer(bytes);
    core.kill();
    const again = open({ db: core.db, start_ms: core.now_ms() });
    cores.splice(cores.indexOf(core), 1);
    const forged = chain.forge({ ...reports[2]!.report, agent: "other/1" });
    await again.ingest.take({ host: "h-1", device: mine.id, payload: forged.bytes });
    expect(again.receiptsOf("h-1").refused).toMatchObject([{ code: "EQUIVOCATION" }]);
    expect(again.fold(mine).dispute).toBe("equivocation");
  });

  it("cannot be blamed on a device by those who have not its key", async () => {
    const { core, mine, theirs, answer } = start();
    const window = { start_ms: core.now_ms(), end_ms: core.now_ms() };
    const chain = testChain({ id: mine.id, key: theirs.key }, "h-1");
    expect(await answer(chain.next("gap", gapBody(0, 0), window).bytes)).toBe("SIGNATURE_INVALID");
    const own = testChain(mine, "h-1").next("gap", gapBody(0, 0), window);
    expect(await answer(own.bytes, mine, "h-2")).toBe("DEVICE_NOT_OF_HOST");
    core.settle();
    expect(core.fold(mine).dispute).toBeNull();
    expect(await answer(own.bytes)).toEqual(expect.any(Number));
  });
});

describe("garbage", () => {
  it("of any kind is answered and never throws", async () => {
    const { core, mine, theirs, sign, take } = start({ group_ms: 1 });
    const good = sign().bytes;
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
          fc.json().map((text) => Buffer.from(text)),
          fc
            .anything()
            .map((value) =>
              Buffer.from(JSON.stringify({ payloadType: value, payload: value, signatures: [value] }) ?? ""),
            ),
          fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, mask]) => {
            const bytes = Buffer.from(good);
            bytes[at]! ^= mask;
            return bytes;
          }),
        ),
        fc.constantFrom(mine.id, theirs.id, "00".repeat(32), "__proto__"),
        fc.constantFrom("h-1", "h-2", "h-9"),
        async (payload, device, host) => {
          await core.ingest.take({ host, device, payload });
        },
      ),
      { numRuns: 300 },
    );
    const { kept, duplicates, refused } = core.ingest.counts();
    expect(kept + duplicates + refused).toBe(300);
    expect(refused).toBeGreaterThan(250);
    await take(good);
    expect(core.receiptsOf("h-1").kept.length).toBeGreaterThan(0);
  });
});
