// down.json, event.json, topics.json
import { sha256 } from "./es256.mjs";
import { host, t0 } from "./sampleReports.mjs";
import { envelope, signed, types } from "./wire.mjs";

const hex = (bytes) => Buffer.from(bytes).toString("hex");

export function downVectors(registry, device, report) {
  const message = (body, change = {}) => ({
    v: 1,
    aud: host,
    seq: 42,
    issued_ms: t0,
    expires_ms: t0 + 3_600_000,
    body,
    ...change,
  });
  const receipt = {
    type: "receipt",
    received_at_ms: t0,
    kept: [{ device: device.id, seq: 0, statement: report.statement, idx: 7 }],
    refused: [{ device: device.id, digest: hex(sha256("vector: refused envelope")), code: "WINDOW_OVERLAP" }],
  };
  const head = {
    type: "head",
    nonce: "00112233445566778899aabbccddeeff",
    heads: [{ device: device.id, head: { seq: 0, statement: report.statement, window_end_ms: t0 } }],
  };
  const beacon = {
    type: "beacon",
    number: 1234,
    hash: `0x${hex(sha256("vector: beacon block"))}`,
    time_ms: t0,
  };
  const anchored = {
    type: "anchored",
    size: 8,
    root: hex(sha256("vector: root")),
    tx: `0x${hex(sha256("vector: tx"))}`,
  };
  const challenge = { type: "challenge", device: device.id, challenge: hex(sha256("vector: challenge")) };
  const titleKey = { type: "title-key", device: device.id };
  const send = (content, key = registry, type = types.down) =>
    envelope(signed(type, JSON.stringify(content), key), registry.id);
  const context = { host, last_seq: 41, now_ms: t0 + 1000 };
  const no = (code, name, text, change = {}) => ({
    name,
    envelope: text,
    context: { ...context, ...change },
    code,
  });
  return {
    description:
      "Messages from the registry to a host. An agent knows the registry's key, its own host name, the highest seq it has taken and the time.",
    source:
      'scripts/vectors/generate.mjs; the registry key\'s scalar is SHA-256("caliber test vector: registry key")',
    registry_spki: hex(registry.spki),
    accepted: [receipt, head, beacon, anchored, challenge, titleKey].map((body) => ({
      name: body.type,
      envelope: send(message(body)),
      context,
      message: message(body),
    })),
    refused: [
      no("DOWN_NOT_FOR_US", "for another host", send(message(beacon, { aud: "vector-host-2" }))),
      no("DOWN_NOT_FOR_US", "another version", send(message(beacon, { v: 2 }))),
      no("DOWN_NOT_FOR_US", "null, signed", send(null)),
      no("DOWN_REPLAYED", "the same seq again", send(message(beacon)), { last_seq: 42 }),
      no("DOWN_REPLAYED", "an older seq", send(message(beacon)), { last_seq: 1000 }),
      no("DOWN_REPLAYED", "seq is no integer", send(message(beacon, { seq: 42.5 }))),
      no("DOWN_EXPIRED", "at the moment of expiry", send(message(beacon)), { now_ms: t0 + 3_600_000 }),
      no("DOWN_EXPIRED", "no expiry", send(message(beacon, { expires_ms: undefined }))),
      no("SIGNATURE_INVALID", "signed by the device", send(message(beacon), device)),
      no(
        "PAYLOAD_TYPE_UNKNOWN",
        "signed by the registry as an event",
        send(message(beacon), registry, types.event),
      ),
      no("ENVELOPE_MALFORMED", "not JSON", "caliber"),
    ],
  };
}

export function eventVectors(registry, device, report) {
  const event = {
    specversion: "1.0",
    id: `${device.id.slice(0, 32)}-3`,
    source: "caliber:log:caliber.example/log",
    type: "io.caliber.collateral.health.v1",
    subject: `urn:caliber:device:${device.id}`,
    time: "2026-01-01T00:03:00.000Z",
    datacontenttype: "application/json",
    sequence: "00000000000000000003",
    data: {
      device: device.id,
      host,
      simulated: true,
      previous: "healthy",
      current: "lost",
      cause: "gpu_lost",
      value: null,
      threshold: null,
      detail: null,
      since_ms: t0 + 120_000,
      evidence: report.statement,
      assurance: { key: "software", identity: "declared", presence_at_ms: null },
    },
  };
  const one = signed(types.event, JSON.stringify(event), registry);
  return {
    description: "A health event (CloudEvents 1.0, structured JSON) signed by the registry.",
    source:
      'scripts/vectors/generate.mjs; the registry key\'s scalar is SHA-256("caliber test vector: registry key")',
    registry_spki: hex(registry.spki),
    envelope: envelope(one, registry.id),
    statement: one.statement,
    event,
  };
}

export function topicVectors(device) {
  const id = device.id;
  const no = (name, topic) => ({ name, topic });
  return {
    description:
      "MQTT topic names, and what each means. A name in `refused` is none of ours. `presence` gives payloads of the presence topic (UTF-8 text); null means that it says nothing.",
    source: "scripts/vectors/generate.mjs",
    accepted: [
      { topic: `caliber/v1/${host}/${id}/report`, meaning: { kind: "report", host, device: id } },
      { topic: `caliber/v1/${host}/presence`, meaning: { kind: "presence", host } },
      { topic: `caliber/v1/${host}/down`, meaning: { kind: "down", host } },
      { topic: "caliber/v1/constructor/down", meaning: { kind: "down", host: "constructor" } },
      { topic: `caliber/v1/${"a".repeat(64)}/down`, meaning: { kind: "down", host: "a".repeat(64) } },
    ],
    refused: [
      no("empty", ""),
      no("root alone", "caliber/v1"),
      no("a host alone", `caliber/v1/${host}`),
      no("another version", `caliber/v2/${host}/down`),
      no("upper case", `CALIBER/v1/${host}/down`),
      no("leading slash", `/caliber/v1/${host}/down`),
      no("trailing slash", `caliber/v1/${host}/down/`),
      no("empty host", "caliber/v1//down"),
      no("events as a host", "caliber/v1/events/down"),
      no("events as a host, with a device", `caliber/v1/events/${id}/report`),
      no("+ as a host", "caliber/v1/+/down"),
      no("# as a host", "caliber/v1/#/down"),
      no("# at the end", `caliber/v1/${host}/#`),
      no("host in upper case", "caliber/v1/Host/down"),
      no("host with an underscore", "caliber/v1/__proto__/down"),
      no("host of 65 characters", `caliber/v1/${"a".repeat(65)}/down`),
      no("host with a line end", `caliber/v1/${host}\r\n/down`),
      no("a line end after", `caliber/v1/${host}/down\n`),
      no("a NUL", `caliber/v1/${host}\u0000/down`),
      no("device in upper case", `caliber/v1/${host}/${id.toUpperCase()}/report`),
      no("device too short", `caliber/v1/${host}/${id.slice(1)}/report`),
      no("+ as a device", `caliber/v1/${host}/+/report`),
      no("another verb", `caliber/v1/${host}/${id}/reports`),
      no("a level too many", `caliber/v1/${host}/${id}/report/x`),
      no("$share", `$share/g/caliber/v1/${host}/down`),
      no("$SYS", "$SYS/broker/clients"),
    ],
    presence: [
      { payload: '{"state":"offline"}', meaning: { state: "offline" } },
      {
        payload: `{"state":"online","nonce":"${"0f".repeat(16)}"}`,
        meaning: { state: "online", nonce: "0f".repeat(16) },
      },
      { payload: '{"state":"offline","more":1}', meaning: { state: "offline" } },
      { payload: '{"state":"online"}', meaning: null },
      { payload: '{"state":"online","nonce":"00"}', meaning: null },
      { payload: `{"state":"online","nonce":"${"0F".repeat(16)}"}`, meaning: null },
      { payload: '"offline"', meaning: null },
      { payload: "null", meaning: null },
      { payload: "", meaning: null },
      { payload: `{"state":"offline","pad":"${"x".repeat(512)}"}`, meaning: null },
    ],
  };
}
