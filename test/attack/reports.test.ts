import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deviceTable } from "../../cli/deviceTable.js";
import { p256Order } from "../../protocol/crypto/p256Order.js";
import { encodeEnvelope } from "../../protocol/dsse/encodeEnvelope.js";
import type { Envelope } from "../../protocol/dsse/envelope.js";
import { parseEnvelope } from "../../protocol/dsse/parseEnvelope.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { signEnvelope } from "../../protocol/dsse/signEnvelope.js";
import type { Report } from "../../protocol/report/schema.js";
import { deviceViews } from "../support/deviceViews.js";
import { sha256 } from "../support/testHost.js";
import { busyTelemetry, inventoryOf } from "../support/testReports.js";
import {
  type AttackDevice,
  type AttackHost,
  type AttackSystem,
  attackSystem,
} from "./support/attackSystem.js";

const minute = 60_000;
const day = 24 * 60 * minute;
let system: AttackSystem;
let host: AttackHost;
let stranger: AttackHost;
/** Each attack has a device of its own, with three honest reports behind it. */
let device: AttackDevice;
let honest: Awaited<ReturnType<AttackDevice["say"]>>[];
let next = 0;

beforeAll(async () => {
  system = await attackSystem();
  host = await system.host("host", 60);
  stranger = await system.host("stranger", 2);
});
afterAll(() => system.close());

async function victim(): Promise<void> {
  device = host.devices[next++]!;
  honest = [];
  for (let i = 0; i < 3; i += 1) honest.push(await device.say("telemetry", busyTelemetry));
}

const draft = (change: object = {}) => ({
  ...device.chain.draft("telemetry", busyTelemetry, device.window()),
  ...change,
});
const encode = (payload: string, key = device.key): Buffer =>
  encodeEnvelope(signEnvelope(payloadTypes.report, Buffer.from(payload), key).envelope, "");
const signed = (change: object = {}): Buffer => encode(JSON.stringify(draft(change)));
/** An honest report's envelope, changed by who carries it. */
const carried = (change: (envelope: Envelope) => Envelope): Buffer =>
  encodeEnvelope(change(parseEnvelope(signed())), "");
const signatureOf = (change: (r: bigint, s: bigint) => [bigint, bigint]): Buffer =>
  carried((envelope) => {
    const hex = envelope.signature.toString("hex");
    const parts = change(BigInt(`0x${hex.slice(0, 64)}`), BigInt(`0x${hex.slice(64)}`));
    const signature = Buffer.from(parts.map((n) => n.toString(16).padStart(64, "0")).join(""), "hex");
    return { ...envelope, signature };
  });
const at = (from_ms: number, to_ms: number) => ({
  window: {
    start_ms: system.begin_ms + from_ms,
    end_ms: system.begin_ms + to_ms,
    mono_start_ms: 0,
    mono_end_ms: to_ms - from_ms,
  },
});

describe("reports that are refused", () => {
  type Attack = { name: string; code: string; make: () => Buffer; as?: () => string; by?: () => AttackHost };
  it.each<Attack>([
    {
      name: "the other form of a signature (high S)",
      code: "SIGNATURE_HIGH_S",
      make: () => signatureOf((r, s) => [r, p256Order - s]),
    },
    { name: "a signature with r = 0", code: "SIGNATURE_INVALID", make: () => signatureOf((_, s) => [0n, s]) },
    { name: "a signature with s = 0", code: "SIGNATURE_INVALID", make: () => signatureOf((r) => [r, 0n]) },
    {
      name: "a signature with r = n",
      code: "SIGNATURE_INVALID",
      make: () => signatureOf((_, s) => [p256Order, s]),
    },
    {
      name: "a signature one byte short",
      code: "SIGNATURE_MALFORMED",
      make: () => carried((e) => ({ ...e, signature: e.signature.subarray(1) })),
    },
    {
      name: "a signature one byte long",
      code: "SIGNATURE_MALFORMED",
      make: () => carried((e) => ({ ...e, signature: Buffer.concat([e.signature, Buffer.of(0)]) })),
    },
    {
      name: "two signatures, one of them good",
      code: "ENVELOPE_MALFORMED",
      make: () => {
        const json = JSON.parse(signed().toString()) as { signatures: object[] };
        return Buffer.from(JSON.stringify({ ...json, signatures: [...json.signatures, ...json.signatures] }));
      },
    },
    {
      name: "readings changed by who carries them",
      code: "SIGNATURE_INVALID",
      make: () =>
        carried((e) => ({
          ...e,
          payload: Buffer.from(e.payload.toString().replace('"mean":947', '"mean":948')),
        })),
    },
    { name: "a truncated envelope", code: "ENVELOPE_MALFORMED", make: () => signed().subarray(0, -20) },
    {
      name: "an extended envelope",
      code: "ENVELOPE_MALFORMED",
      make: () => Buffer.concat([signed(), Buffer.from("{}")]),
    },
    {
      name: "a truncated report",
      code: "SIGNATURE_INVALID",
      make: () => carried((e) => ({ ...e, payload: e.payload.subarray(0, -1) })),
    },
    {
      name: "an extended report",
      code: "SIGNATURE_INVALID",
      make: () => carried((e) => ({ ...e, payload: Buffer.concat([e.payload, Buffer.from(" ")]) })),
    },
    {
      name: "a report under another payload type",
      code: "PAYLOAD_TYPE_UNKNOWN",
      make: () => carried((e) => ({ ...e, payloadType: payloadTypes.renew })),
    },
    {
      name: "a statement of enrolment, replayed as a report",
      code: "PAYLOAD_TYPE_UNKNOWN",
      make: () =>
        encodeEnvelope(signEnvelope(payloadTypes.enrolDevice, Buffer.from("{}"), device.key).envelope, ""),
    },
    {
      name: "a member named __proto__",
      code: "SCHEMA_INVALID",
      make: () => encode(JSON.stringify(draft()).replace("{", '{"__proto__":{"simulated":false},')),
    },
    {
      name: "a member named constructor",
      code: "SCHEMA_INVALID",
      make: () => signed({ constructor: { prototype: {} } }),
    },
    {
      name: "an integer written so that readers disagree",
      code: "SCHEMA_INVALID",
      make: () => encode(JSON.stringify(draft()).replace('"samples":60', '"samples":6e1')),
    },
    {
      name: "another device's report under this device's topic",
      code: "SIGNATURE_INVALID",
      make: () => encode(JSON.stringify(draft()), host.devices.at(-1)!.key),
    },
    {
      name: "a report signed for another device of the host",
      code: "DEVICE_MISMATCH",
      make: () => signed({ device: host.devices.at(-1)!.id }),
    },
    {
      name: "a report signed for another host",
      code: "HOST_MISMATCH",
      make: () => signed({ host: stranger.id }),
    },
    {
      name: "another host's device under the own topic",
      code: "DEVICE_NOT_OF_HOST",
      make: () => signed(),
      by: () => stranger,
    },
    {
      name: "a device that nobody enrolled",
      code: "DEVICE_UNKNOWN",
      make: () => signed(),
      as: () => "ab".repeat(32),
    },
    {
      name: "a second statement for one place of the chain",
      code: "EQUIVOCATION",
      make: () => signed({ seq: 1, agent: "other/1" }),
    },
    { name: "seq turned back to the first", code: "EQUIVOCATION", make: () => signed({ seq: 0 }) },
    {
      name: "a chain that leaves a report out",
      code: "PREV_MISMATCH",
      make: () => signed({ prev: honest[1]!.statement }),
    },
    {
      name: "a window that overlaps the one before",
      code: "WINDOW_OVERLAP",
      make: () => signed({ window: honest[2]!.report.window }),
    },
    {
      name: "a window of the future",
      code: "WINDOW_IN_FUTURE",
      make: () => signed({ ...at(10 * minute, 11 * minute), beacon: system.beacons.latest }),
    },
    {
      name: "a window that lasts a day",
      code: "WINDOW_TOO_LONG",
      make: () => signed(at(-8 * minute, 2 * minute + 1)),
    },
    {
      name: "a beacon from the future",
      code: "BEACON_UNKNOWN",
      make: () => signed({ beacon: { number: 78, hash: `0x${"b8".repeat(32)}` } }),
    },
    {
      name: "a true beacon's hash under another number",
      code: "BEACON_UNKNOWN",
      make: () => signed({ beacon: { ...system.beacons.latest, number: 76 } }),
    },
    {
      name: "a window older than its beacon allows",
      code: "BEFORE_BEACON",
      make: () => signed({ beacon: system.beacons.latest }),
    },
  ])("$name", async ({ code, make, as, by }) => {
    await victim();
    const bytes = make();
    const sender = by?.() ?? host;
    expect(await sender.link().send(as?.() ?? device.id, bytes)).toEqual({ refused: code });
    expect(system.rejected(sha256(bytes))).toBe(code);
    expect(sender.link().client.connected).toBe(true);
    if (as === undefined && by === undefined) await system.found(device.id, code);
    // What others do under a device's name is not told of it.
    else expect(system.findings(device.id)).toEqual([]);
    // And the honest chain goes on where it was.
    await device.say("telemetry", busyTelemetry);
  });

  it("windows made up for days that were spent offline", async () => {
    await victim();
    const fresh = host.devices[next++]!;
    const from = -3 * day;
    // With the beacon that it has in hand the window is refused: it was signed after that block.
    const made = { kind: "telemetry", body: { ...busyTelemetry, present_ms: minute } } as const;
    const dated = (change: object) =>
      fresh.chain.forge({
        ...fresh.chain.draft(made.kind, made.body, { start_ms: 0, end_ms: 0 }),
        ...at(from, from + minute),
        ...change,
      });
    const now = dated({ beacon: system.beacons.latest });
    expect(await host.link().send(fresh.id, now.bytes)).toEqual({ refused: "BEFORE_BEACON" });
    // Without one it completes the chain, and proves no uptime: time before enrolment is nobody's, the rest is late.
    const none = dated({});
    expect(await host.link().send(fresh.id, none.bytes, none.statement)).toEqual({
      kept: expect.any(Number),
    });
    await system.settled();
    const standing = system.reader
      .prepare("SELECT standing FROM report JOIN device ON device.id = report.device WHERE device.device = ?")
      .pluck()
      .all(fresh.id);
    expect(standing).toEqual(["late"]);
    expect(system.fold(fresh.id)).toMatchObject({ state: "stale", fresh_ms: null });
  });
});

describe("reports that are kept, and do no harm", () => {
  it("a UUID and a model name with line ends and terminal escapes", async () => {
    await victim();
    const moves = "\x1b[2J\r\nGPU-b";
    await device.say("inventory", { ...inventoryOf("GPU-escape"), serial: "1" });
    await device.say("inventory", {
      ...inventoryOf(`GPU-escape${moves}`),
      name: `NVIDIA ${moves}`,
      serial: moves,
    });
    const { text } = await system.found(device.id, "PART_CHANGED");
    expect(text).toContain("?[2J??GPU-b");
    const view = deviceViews(1)[0]!;
    view.declared.model = system.fold(device.id).inventory!.name;
    expect(view.declared.model).toContain("\x1b");
    expect(deviceTable([view], Date.now()).join("")).not.toMatch(/\p{Cc}/u);
  });
});

describe("reports that are replayed", () => {
  it("a report replayed by its own host is kept once", async () => {
    await victim();
    const { kept } = system.registry().counts();
    const { bytes, statement, idx } = honest[1]!;
    for (let i = 0; i < 3; i += 1) {
      expect(await host.link().send(device.id, bytes, statement)).toEqual({ kept: idx });
    }
    expect(system.registry().counts().kept).toBe(kept);
  });

  it("envelopes re-encoded and signatures left as they are by the broker are harmless", async () => {
    await victim();
    const { bytes, statement } = device.chain.next("telemetry", busyTelemetry, device.window());
    const { payload, payloadType, signatures } = JSON.parse(bytes.toString()) as {
      payload: string;
      payloadType: string;
      signatures: [{ sig: string }];
    };
    const urlSafe = (text: string) => text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    const again = Buffer.from(
      JSON.stringify(
        {
          extra: [1],
          signatures: [{ sig: urlSafe(signatures[0].sig), keyid: "other" }],
          payload: urlSafe(payload),
          payloadType,
        },
        null,
        2,
      ),
    );
    const first = await host.link().send(device.id, again, statement);
    expect(first).toEqual({ kept: expect.any(Number) });
    // The same statement as it was sent: known, and no equivocation.
    expect(await host.link().send(device.id, bytes, statement)).toEqual(first);
    await system.settled();
    expect(system.findings(device.id)).toEqual([]);
  });

  it("a report of an earlier boot, replayed under a new one, is known or an equivocation", async () => {
    await victim();
    const boot = "ff".repeat(16);
    const again = device.chain.forge({ ...honest[1]!.report, boot });
    expect(await host.link().send(device.id, again.bytes)).toEqual({ refused: "EQUIVOCATION" });
    await system.found(device.id, "EQUIVOCATION");
    const { dispute } = system.fold(device.id);
    expect(dispute).toBe("equivocation");
  });

  it("a huge jump of seq leaves a gap on record, and no memory for each report that is missing", async () => {
    await victim();
    const seq = 2 ** 52;
    const jump = device.chain.forge({ ...draft(), seq, prev: "00".repeat(32) });
    expect(await host.link().send(device.id, jump.bytes, jump.statement)).toEqual({
      kept: expect.any(Number),
    });
    await system.found(device.id, "REPORTS_MISSING");
    expect(system.fold(device.id).missing).toBe(seq - 3);
    // There is no way back: what is below the new head may fill the gap, but not with time after it.
    const { bytes } = device.chain.next("telemetry", busyTelemetry, device.window());
    expect(await host.link().send(device.id, bytes)).toEqual({ refused: "WINDOW_OVERLAP" });
    expect(system.fold(device.id).head?.seq).toBe(seq);
  });

  it("both sides of an equivocation are in the log, whole", async () => {
    await victim();
    const other = device.chain.forge({ ...honest[2]!.report, agent: "other/1" } as Report);
    await host.link().send(device.id, other.bytes);
    await system.settled();
    const sides = system.reader
      .prepare<[], Buffer>("SELECT bytes FROM entry ORDER BY idx DESC LIMIT 50")
      .pluck()
      .all()
      .map((bytes) => bytes.toString("latin1"))
      .find((text) => text.includes('"sides":[') && text.includes(device.id));
    expect(sides).toContain(`"entry:${honest[2]!.idx}"`);
    expect(sides).toContain(`"statement:${other.statement}"`);
    expect(sides).toContain("pae:");
  });
});

describe("after a restart", () => {
  it("old reports replayed to a registry that was restarted are kept once, in their place", async () => {
    await victim();
    await system.restart();
    await host.reconnect();
    await stranger.reconnect();
    const { bytes, statement, idx } = honest[0]!;
    expect(await host.link().send(device.id, bytes, statement)).toEqual({ kept: idx });
    const other = device.chain.forge({ ...honest[2]!.report, agent: "other/1" } as Report);
    expect(await host.link().send(device.id, other.bytes)).toEqual({ refused: "EQUIVOCATION" });
    await device.say("telemetry", busyTelemetry);
  });
});
