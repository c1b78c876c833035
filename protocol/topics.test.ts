import fc from "fast-check";
import { describe, expect, it } from "vitest";
import vector from "../fixtures/vectors/topics.json" with { type: "json" };
import { hostUri, keeperUri, parseIdentityUri } from "./enrol/hostUri.js";
import { parsePresence } from "./presence.js";
import {
  downTopic,
  eventsFilter,
  eventTopic,
  isDeviceId,
  isHostId,
  parseTopic,
  presenceTopic,
  reportTopic,
} from "./topics.js";

const host = fc.stringMatching(/^[a-z0-9-]{1,64}$/).filter((name) => name !== "events");
const device = fc.stringMatching(/^[0-9a-f]{64}$/);

describe("parseTopic", () => {
  it.each(vector.accepted)("$topic", ({ topic, meaning }) => {
    expect(parseTopic(topic)).toEqual(meaning);
  });

  it.each(vector.refused)("refuses: $name", ({ topic }) => {
    expect(parseTopic(topic)).toBeNull();
  });

  it("reads every topic that we write, and only that one", () => {
    fc.assert(
      fc.property(host, device, (name, id) => {
        expect(parseTopic(reportTopic(name, id))).toEqual({ kind: "report", host: name, device: id });
        expect(parseTopic(downTopic(name))).toEqual({ kind: "down", host: name });
        expect(parseTopic(presenceTopic(name))).toEqual({ kind: "presence", host: name });
        expect(parseTopic(eventTopic(id))).toBeNull();
      }),
    );
  });

  it("means nothing else: what parses is written back the same", () => {
    const level = fc.oneof(
      host,
      device,
      fc.constantFrom("", "+", "#", "events", "report", "down", "presence", "..", "$SYS"),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(level, { maxLength: 5 }), (levels) => {
        const topic = `caliber/v1/${levels.join("/")}`;
        const parsed = parseTopic(topic);
        if (parsed === null) return;
        const written =
          parsed.kind === "report"
            ? reportTopic(parsed.host, parsed.device)
            : parsed.kind === "down"
              ? downTopic(parsed.host)
              : presenceTopic(parsed.host);
        expect(written).toBe(topic);
      }),
      { numRuns: 1000 },
    );
  });

  it("keeps events apart from hosts", () => {
    expect(isHostId("events")).toBe(false);
    expect(eventTopic("x").startsWith(eventsFilter.slice(0, -1))).toBe(true);
  });
});

describe("isHostId and isDeviceId", () => {
  it.each(["", "A", "a b", "a/b", "+", "#", "a\n", "é", "a_b", "a.b", "$a", "a".repeat(65), "events"])(
    "no host is %j",
    (name) => {
      expect(isHostId(name)).toBe(false);
    },
  );

  it.each(["", "0".repeat(63), "0".repeat(65), "A".repeat(64), `${"0".repeat(64)}\n`, "g".repeat(64)])(
    "no device is %j",
    (id) => {
      expect(isDeviceId(id)).toBe(false);
    },
  );
});

describe("identity URIs", () => {
  it("name a host or a keeper, and give it back", () => {
    fc.assert(
      fc.property(host, (id) => {
        expect(parseIdentityUri(hostUri(id))).toEqual({ role: "host", id });
        expect(parseIdentityUri(keeperUri(id))).toEqual({ role: "keeper", id });
      }),
    );
  });

  it.each([
    "",
    "urn:caliber:host:",
    "urn:caliber:host:events",
    "urn:caliber:host:A",
    "urn:caliber:host:a/b",
    "urn:caliber:host:+",
    "URN:caliber:host:a",
    "urn:caliber:registry:a",
    " urn:caliber:host:a",
    "urn:caliber:host:a\n",
    "spiffe://caliber/host/a",
  ])("%j names nobody", (uri) => {
    expect(parseIdentityUri(uri)).toBeNull();
  });
});

describe("parsePresence", () => {
  it.each(vector.presence)("$payload", ({ payload, meaning }) => {
    expect(parsePresence(Buffer.from(payload))).toEqual(meaning);
  });

  it("never throws, and says nothing but its three words", () => {
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 600 }),
      fc.json().map((json) => Buffer.from(json)),
      fc
        .record({
          state: fc.constantFrom("online", "offline", 1),
          nonce: fc.oneof(fc.string(), fc.integer()),
        })
        .map((value) => Buffer.from(JSON.stringify(value))),
    );
    fc.assert(
      fc.property(any, (bytes) => {
        const found = parsePresence(bytes);
        if (found?.state === "online") expect(found.nonce).toMatch(/^[0-9a-f]{32}$/);
        else expect([null, { state: "offline" }]).toContainEqual(found);
      }),
    );
  });
});
