// es256.json, identity.json, dsse.json
import { keyPair, order, otherForm, sha256, word } from "./es256.mjs";
import { dsse, rfc6979 } from "./publicVectors.mjs";
import { uuid } from "./sampleReports.mjs";
import { pae } from "./wire.mjs";

const hex = (bytes) => Buffer.from(bytes).toString("hex");

export function dsseVectors() {
  const spki = keyPair(BigInt(dsse.key.d).toString(16).padStart(64, "0")).spki;
  const types = ["", "a", "application/vnd.caliber.report.v1+json", "t\u00e9l\u00e9"];
  const payloads = ["", "00", "20", "2020", "c3a9", "7b7d"];
  return {
    ...dsse,
    key: { ...dsse.key, spki: hex(spki) },
    statement: hex(sha256(dsse.pae)),
    pae_cases: types.flatMap((payload_type, i) =>
      payloads
        .filter((_, j) => (i + j) % 2 === 0)
        .map((payload) => {
          const bytes = Buffer.from(payload, "hex");
          return { payload_type, payload: hex(bytes), pae: hex(pae(payload_type, bytes)) };
        }),
    ),
  };
}

export function es256Vectors() {
  const key = keyPair(rfc6979.d);
  const [high, low] = rfc6979.signatures.map(({ r, s }) => Buffer.from(r + s, "hex"));
  const part = (r, s) => hex(Buffer.concat([r, s]));
  const [r, s] = [low.subarray(0, 32), low.subarray(32)];
  const zero = Buffer.alloc(32);
  const refuse = (code, name, signature, message = "test") => ({ name, message, signature, code });
  return {
    description:
      "ES256 as caliberd takes it: 64 bytes r‖s over SHA-256 of the message (UTF-8), s <= (n - 1) / 2. `normalized` gives the low-S form of a signature.",
    source: "RFC 6979, A.2.5, P-256 with SHA-256; the other cases from scripts/vectors/generate.mjs",
    spki: hex(key.spki),
    normalized: [
      { message: "sample", signature: hex(high), low_s: hex(otherForm(high)) },
      { message: "test", signature: hex(low), low_s: hex(low) },
    ],
    accepted: [
      { message: "sample", signature: hex(otherForm(high)) },
      { message: "test", signature: hex(low) },
    ],
    refused: [
      refuse("SIGNATURE_HIGH_S", "as RFC 6979 gives it, s is high", hex(high), "sample"),
      refuse("SIGNATURE_HIGH_S", "s is (n + 1) / 2", part(r, word((order + 1n) / 2n))),
      refuse("SIGNATURE_HIGH_S", "s is n", part(r, word(order))),
      refuse("SIGNATURE_HIGH_S", "s is 2^256 - 1", part(r, Buffer.alloc(32, 0xff))),
      refuse(
        "SIGNATURE_INVALID",
        "s is (n - 1) / 2: low, but of no such signature",
        part(r, word((order - 1n) / 2n)),
      ),
      refuse("SIGNATURE_INVALID", "r is 0", part(zero, s)),
      refuse("SIGNATURE_INVALID", "s is 0", part(r, zero)),
      refuse("SIGNATURE_INVALID", "r is n", part(word(order), s)),
      refuse("SIGNATURE_INVALID", "r is 2^256 - 1", part(Buffer.alloc(32, 0xff), s)),
      refuse("SIGNATURE_INVALID", "another message", hex(low), "Test"),
      refuse("SIGNATURE_INVALID", "r and s change places, s low", part(s, word(1n))),
      refuse("SIGNATURE_MALFORMED", "empty", ""),
      refuse("SIGNATURE_MALFORMED", "63 bytes", hex(low.subarray(0, 63))),
      refuse("SIGNATURE_MALFORMED", "65 bytes", `${hex(low)}00`),
      refuse("SIGNATURE_MALFORMED", "the same signature as ASN.1 DER", `3045022100${hex(r)}0220${hex(s)}`),
    ],
  };
}

export function identityVectors() {
  const { spki, point, id } = keyPair(rfc6979.d);
  const prefix = spki.subarray(0, 27);
  const offCurve = Buffer.from(point);
  offCurve[64] ^= 1;
  const compressed = Buffer.concat([Buffer.of(point[64] & 1 ? 3 : 2), point.subarray(1, 33)]);
  const hybrid = Buffer.concat([Buffer.of(point[64] & 1 ? 7 : 6), point.subarray(1)]);
  const p = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
  const curve = (oid, bytes) =>
    Buffer.from(spki.toString("hex").replace("06082a8648ce3d030107", oid) + bytes, "hex");
  const refused = [
    ["empty", Buffer.alloc(0)],
    ["one byte short", spki.subarray(0, 90)],
    ["a trailing byte", Buffer.concat([spki, Buffer.of(0)])],
    [
      "compressed point",
      Buffer.concat([Buffer.from("3039301306072a8648ce3d020106082a8648ce3d030107032200", "hex"), compressed]),
    ],
    ["hybrid point", Buffer.concat([spki.subarray(0, 26), hybrid])],
    ["point off the curve", Buffer.concat([prefix, offCurve.subarray(1)])],
    ["point (0, 0)", Buffer.concat([prefix, Buffer.alloc(64)])],
    ["x = p + 5: a coordinate that is not reduced", Buffer.concat([prefix, word(p + 5n), word(yOf(5n, p))])],
    ["point at infinity", Buffer.from("3019301306072a8648ce3d020106082a8648ce3d03010703020000", "hex")],
    [
      "point at infinity, filled up to 91 bytes",
      Buffer.concat([spki.subarray(0, 26), Buffer.of(0), Buffer.alloc(64)]),
    ],
    ["point (0, p - 1), off the curve", Buffer.concat([prefix, Buffer.alloc(32), word(p - 1n)])],
    ["y = 2^256 - 1", Buffer.concat([prefix, point.subarray(1, 33), Buffer.alloc(32, 0xff)])],
    ["x = y = p", Buffer.concat([prefix, word(p), word(p)])],
    ["curve SM2, same length", curve("06082a811ccf5501822d", "")],
    ["bare point", point],
  ];
  return {
    description:
      "Names derived from keys and hardware. A P-256 key has one encoding, the 91-byte SubjectPublicKeyInfo DER; `device_id` is its SHA-256 in lower-case hex.",
    source: "scripts/vectors/generate.mjs; the key is the published test key of RFC 6979, A.2.5",
    device_id: { spki: hex(spki), device_id: id },
    refused_spki: refused.map(([name, bytes]) => ({ name, spki: hex(bytes), code: "KEY_NOT_CANONICAL" })),
    weak_identity: [uuid, "GPU-ffffffff-ffff-ffff-ffff-ffffffffffff"].map((gpu_uuid) => ({
      gpu_uuid,
      weak_identity: hex(sha256(`caliber/identity/gpu-uuid/v1\n${gpu_uuid}`)),
    })),
    log_origin: ["caliber.example/log", "vector.invalid/1"].map((origin) => ({
      origin,
      hash: `0x${hex(sha256(origin))}`,
    })),
  };
}

/** y of the point with this x on y^2 = x^3 - 3x + b; p = 3 mod 4. */
function yOf(x, p) {
  const b = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
  const square = (x ** 3n - 3n * x + b) % p;
  let y = 1n;
  let base = square;
  for (let exponent = (p + 1n) / 4n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) y = (y * base) % p;
    base = (base * base) % p;
  }
  if ((y * y) % p !== square) throw new Error(`no point with x = ${x}`);
  return y;
}
