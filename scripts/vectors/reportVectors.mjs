// report-envelopes.json: a chain of accepted reports, the same bytes re-encoded, and refusals with their codes.
import { otherForm, sign } from "./es256.mjs";
import { base, chainOf, host, t0, telemetry } from "./sampleReports.mjs";
import { envelope, leaf, signed, types } from "./wire.mjs";

const hex = (bytes) => Buffer.from(bytes).toString("hex");

export function reportVectors(device, consent) {
  const accepted = acceptedOf(device, consent);
  return {
    description:
      "Signed reports. `accepted` is one chain: `prev` is the statement of the case before, zeros in the first. `reencoded` are other JSON encodings of one accepted envelope: same statement. `refused` must fail with the code given. A report is checked in this order: envelope, payload type, signature, JSON, schema, device.",
    source: "scripts/vectors/generate.mjs; the device key is the published test key of RFC 6979, A.2.5",
    host,
    device: device.id,
    device_spki: hex(device.spki),
    accepted: accepted.map((one) => one.vector),
    reencoded: reencodedOf(accepted[1]),
    refused: refusedOf(device),
  };
}

function acceptedOf(device, consent) {
  const out = [];
  let prev = "0".repeat(64);
  chainOf(consent).forEach(([kind, window, body], seq) => {
    const report = { ...base(device.id, seq, prev, window), kind, body };
    const one = signed(types.report, JSON.stringify(report), device);
    const entry = Buffer.concat([Buffer.of(1, 1), Buffer.from(device.id, "hex"), one.signature, one.pae]);
    prev = one.statement;
    out.push({
      parts: one,
      vector: {
        name: `${kind} ${seq}`,
        envelope: envelope(one, device.id),
        payload: one.payload.toString(),
        signature: hex(one.signature),
        statement: one.statement,
        log_entry: hex(entry),
        leaf_hash: hex(leaf(entry)),
      },
    });
  });
  return out;
}

function reencodedOf({ parts, vector }) {
  const payload = parts.payload.toString("base64");
  const sig = parts.signature.toString("base64");
  const plain = { payloadType: parts.type, payload, signatures: [{ keyid: "", sig }] };
  const url = (text) => text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return {
    statement: vector.statement,
    envelopes: [
      JSON.stringify(plain, null, 2),
      JSON.stringify({ signatures: [{ sig }], payload, payloadType: parts.type }),
      JSON.stringify({
        ...plain,
        payload: url(payload),
        signatures: [{ sig: url(sig), keyid: "another hint" }],
      }),
      JSON.stringify({ ...plain, added: "by a proxy" }),
      JSON.stringify(plain).replace("application/vnd", "\\u0061pplication/vnd"),
    ],
  };
}

function refusedOf(device) {
  const good = {
    ...base(device.id, 1, "0".repeat(64), [t0, t0 + 60_000]),
    kind: "telemetry",
    body: telemetry,
  };
  const text = JSON.stringify(good);
  const of = (payload, type = types.report) => signed(type, payload, device);
  const sent = (parts) => envelope(parts, device.id);
  const parts = of(text);
  const json = JSON.parse(sent(parts));
  const withSig = (sig) => sent({ ...parts, signature: sig });
  const withBody = (change) => sent(of(JSON.stringify({ ...good, body: { ...telemetry, ...change } })));
  const withText = (from, to) => sent(of(text.replace(from, to)));
  const { v, ...noVersion } = good;
  const { seq, ...noSeq } = good;
  const der = Buffer.from(`3044022000${"11".repeat(31)}022000${"11".repeat(31)}`, "hex");
  const latin1 = Buffer.from(text.replace("caliberd-vectors/1", "caliberd-\u00e9"), "latin1");
  const rows = [
    ["ENVELOPE_MALFORMED", "not JSON", "caliber"],
    ["ENVELOPE_MALFORMED", "null", "null"],
    ["ENVELOPE_MALFORMED", "no payload", JSON.stringify({ ...json, payload: undefined })],
    ["ENVELOPE_MALFORMED", "payload is not base64", JSON.stringify({ ...json, payload: "{}" })],
    ["ENVELOPE_MALFORMED", "no signature", JSON.stringify({ ...json, signatures: [] })],
    [
      "ENVELOPE_MALFORMED",
      "two signatures",
      JSON.stringify({ ...json, signatures: [...json.signatures, ...json.signatures] }),
    ],
    ["PAYLOAD_TYPE_UNKNOWN", "another of our types", sent(of(text, types.down))],
    ["PAYLOAD_TYPE_UNKNOWN", "upper case", sent(of(text, types.report.toUpperCase()))],
    ["SIGNATURE_MALFORMED", "63 bytes", withSig(parts.signature.subarray(1))],
    ["SIGNATURE_MALFORMED", "ASN.1 DER", withSig(der)],
    ["SIGNATURE_HIGH_S", "s above (n - 1) / 2", withSig(otherForm(parts.signature))],
    ["SIGNATURE_INVALID", "r and s are zero", withSig(Buffer.alloc(64))],
    ["SIGNATURE_INVALID", "over the payload without its type", withSig(sign(parts.payload, device))],
    ["SIGNATURE_INVALID", "over another payload", withSig(of(`${text} `).signature)],
    ["JSON_MALFORMED", "not JSON", sent(of("caliber"))],
    ["JSON_MALFORMED", "cut short", sent(of(text.slice(0, -1)))],
    ["JSON_MALFORMED", "not UTF-8", sent(of(latin1))],
    ["SCHEMA_VERSION_UNKNOWN", "v is 2", sent(of(JSON.stringify({ ...good, v: 2 })))],
    ["SCHEMA_VERSION_UNKNOWN", "no v", sent(of(JSON.stringify(noVersion)))],
    ["SCHEMA_VERSION_UNKNOWN", "v is text", sent(of(JSON.stringify({ ...good, v: "1" })))],
    ["SCHEMA_INVALID", "unknown kind", sent(of(JSON.stringify({ ...good, kind: "boast" })))],
    ["SCHEMA_INVALID", "a member is missing", sent(of(JSON.stringify(noSeq)))],
    ["SCHEMA_INVALID", "a member is unknown", sent(of(JSON.stringify({ ...good, extra: 1 })))],
    ["SCHEMA_INVALID", "a body member is unknown", withBody({ gpu_mood: 1 })],
    ["SCHEMA_INVALID", "a float", withBody({ pcie_replays: 0.5 })],
    ["SCHEMA_INVALID", "an integer written as a float", withText('"samples":60', '"samples":60.0')],
    ["SCHEMA_INVALID", "an integer written with an exponent", withText('"samples":60', '"samples":6e1')],
    ["SCHEMA_INVALID", "minus zero", withText('"samples":60', '"samples":-0')],
    ["SCHEMA_INVALID", "2^53", withText('"samples":60', '"samples":9007199254740992')],
    ["SCHEMA_INVALID", "a number as text", withBody({ samples: "60" })],
    ["SCHEMA_INVALID", "permille above 1000", withBody({ util_permille: { min: 0, mean: 10, max: 1001 } })],
    ["SCHEMA_INVALID", "a big counter as a number", withBody({ energy_mj: 1 })],
    ["SCHEMA_INVALID", "upper-case hash", sent(of(JSON.stringify({ ...good, prev: "A".repeat(64) })))],
    [
      "DEVICE_MISMATCH",
      "signed by this device, about another",
      sent(of(JSON.stringify({ ...good, device: "0".repeat(64) }))),
    ],
  ];
  return rows.map(([code, name, envelope]) => ({ name, envelope, code }));
}
