import { hash, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { p256Order as n } from "./p256Order.js";
import { publicKeyFromSpki } from "./spki.js";
import { verifyEs256 } from "./verifyEs256.js";

/**
 * Signatures at the edges of ECDSA on P-256, of the kinds that Project Wycheproof collects: made here, from the curve's
 * own arithmetic, so that each is known to be good or bad for the reason it names.
 */
const p = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const b = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
type Point = { x: bigint; y: bigint };
const G: Point = {
  x: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  y: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
};

const mod = (a: bigint, m: bigint): bigint => ((a % m) + m) % m;
function power(base: bigint, exponent: bigint, m: bigint): bigint {
  let result = 1n;
  for (let e = exponent, square = mod(base, m); e > 0n; e >>= 1n, square = (square * square) % m) {
    if (e & 1n) result = (result * square) % m;
  }
  return result;
}
// Fermat: p and n are prime.
const inverse = (a: bigint, m: bigint): bigint => power(a, m - 2n, m);

/** Never asked for the sum of opposite points. */
function add(a: Point, c: Point): Point {
  const slope =
    a.x === c.x
      ? mod((3n * a.x * a.x - 3n) * inverse(2n * a.y, p), p)
      : mod((c.y - a.y) * inverse(c.x - a.x, p), p);
  const x = mod(slope * slope - a.x - c.x, p);
  return { x, y: mod(slope * (a.x - x) - a.y, p) };
}
function times(scalar: bigint, point: Point): Point {
  let result: Point | null = null;
  for (let k = mod(scalar, n), twice = point; k > 0n; k >>= 1n, twice = add(twice, twice)) {
    if (k & 1n) result = result === null ? twice : add(result, twice);
  }
  return result!;
}
const negated = ({ x, y }: Point): Point => ({ x, y: p - y });

const word = (value: bigint): string => value.toString(16).padStart(64, "0");
const signatureOf = (r: bigint, s: bigint): Buffer => Buffer.from(word(r) + word(s), "hex");
const keyOf = ({ x, y }: Point) =>
  publicKeyFromSpki(
    Buffer.from(`3059301306072a8648ce3d020106082a8648ce3d03010703420004${word(x)}${word(y)}`, "hex"),
  );
const message = Buffer.from("caliber test: edges of ES256");
const e = BigInt(`0x${hash("sha256", message, "hex")}`);

/** A key under which (r, s) is a signature of the message, where R has the x that r comes from: Q = (s R - e G) / r. */
const keyFor = (R: Point, r: bigint, s: bigint) =>
  keyOf(times(inverse(r, n), add(times(s, R), negated(times(e, G)))));

/** A point whose x is at least n, so that r is not x: with a random key, one in 2^32 signatures or fewer. */
function pointPastOrder(): Point {
  for (let x = n; x < p; x += 1n) {
    const square = mod(x * x * x - 3n * x + b, p);
    const y = power(square, (p + 1n) / 4n, p);
    if ((y * y) % p === square) return { x, y };
  }
  throw new Error("no point of P-256 has an x from n to p");
}

const k = 0x1234567890abcdefn;
const R = times(k, G);
const half = (n - 1n) / 2n;
const past = pointPastOrder();
const pastR = past.x - n;

describe("verifyEs256 at the edges", () => {
  it.each([
    ["s = 1", keyFor(R, R.x, 1n), R.x, 1n],
    ["s = (n - 1) / 2, the largest low one", keyFor(R, R.x, half), R.x, half],
    ["R with x past n: r is x - n", keyFor(past, pastR, 5n), pastR, 5n],
    ["k = 1: R is the generator", keyFor(G, G.x, 7n), G.x, 7n],
    // u1 G = u2 Q, so that adding them has to double.
    [
      "both halves of the sum equal",
      keyOf(times(e * inverse(R.x, n), G)),
      R.x,
      lowOf(2n * e * inverse(k, n)),
    ],
    ["key = generator", keyOf(G), R.x, lowOf((e + R.x) * inverse(k, n))],
    ["key = opposite of the generator", keyOf(negated(G)), R.x, lowOf((e - R.x) * inverse(k, n))],
  ])("takes: %s", (_, key, r, s) => {
    expect(() => verifyEs256(message, signatureOf(r, s), key)).not.toThrow();
    expect(() => verifyEs256(Buffer.from("another message"), signatureOf(r, s), key)).toThrow(
      expect.objectContaining({ code: "SIGNATURE_INVALID" }),
    );
  });

  const key = keyFor(R, R.x, 5n);
  const good = signatureOf(R.x, 5n);
  it.each([
    ["r = 0", signatureOf(0n, 5n), "SIGNATURE_INVALID"],
    ["s = 0", signatureOf(R.x, 0n), "SIGNATURE_INVALID"],
    ["r = s = 0", signatureOf(0n, 0n), "SIGNATURE_INVALID"],
    ["r = 0, s = 1", signatureOf(0n, 1n), "SIGNATURE_INVALID"],
    ["r = 1, s = 0", signatureOf(1n, 0n), "SIGNATURE_INVALID"],
    ["r = s = 1", signatureOf(1n, 1n), "SIGNATURE_INVALID"],
    ["r = n", signatureOf(n, 5n), "SIGNATURE_INVALID"],
    ["r = n - 1", signatureOf(n - 1n, 5n), "SIGNATURE_INVALID"],
    ["r = n + 1", signatureOf(n + 1n, 5n), "SIGNATURE_INVALID"],
    ["r = p", signatureOf(p, 5n), "SIGNATURE_INVALID"],
    ["r = 2^256 - 1", signatureOf(2n ** 256n - 1n, 5n), "SIGNATURE_INVALID"],
    ["r replaced by n - r", signatureOf(n - R.x, 5n), "SIGNATURE_INVALID"],
    ["r and s exchanged", signatureOf(5n, lowOf(R.x)), "SIGNATURE_INVALID"],
    ["s replaced by n - s", signatureOf(R.x, n - 5n), "SIGNATURE_HIGH_S"],
    ["s + n", signatureOf(R.x, 5n + n), "SIGNATURE_HIGH_S"],
    ["s = (n + 1) / 2", signatureOf(R.x, half + 1n), "SIGNATURE_HIGH_S"],
    ["s = n - 1", signatureOf(R.x, n - 1n), "SIGNATURE_HIGH_S"],
    ["s = n", signatureOf(R.x, n), "SIGNATURE_HIGH_S"],
    ["r = s = n", signatureOf(n, n), "SIGNATURE_HIGH_S"],
    ["s = p", signatureOf(R.x, p), "SIGNATURE_HIGH_S"],
    ["empty", Buffer.alloc(0), "SIGNATURE_MALFORMED"],
    ["r alone", good.subarray(0, 32), "SIGNATURE_MALFORMED"],
    ["leading zeros left out", Buffer.concat([good.subarray(0, 32), Buffer.of(5)]), "SIGNATURE_MALFORMED"],
    ["one zero before", Buffer.concat([Buffer.of(0), good]), "SIGNATURE_MALFORMED"],
    ["one zero behind", Buffer.concat([good, Buffer.of(0)]), "SIGNATURE_MALFORMED"],
    ["a zero before each half", Buffer.from(`00${word(R.x)}00${word(5n)}`, "hex"), "SIGNATURE_MALFORMED"],
    ["halves of P-384's size", Buffer.alloc(96, 1), "SIGNATURE_MALFORMED"],
    ["twice", Buffer.concat([good, good]), "SIGNATURE_MALFORMED"],
    ["ASN.1 DER", Buffer.from(`30250220${word(R.x)}020105`, "hex"), "SIGNATURE_MALFORMED"],
  ])("refuses: %s", (_, signature, code) => {
    verifyEs256(message, good, key);
    expect(() => verifyEs256(message, signature, key)).toThrow(expect.objectContaining({ code }));
  });

  it("refuses an r that is x itself where x is past n: a second form of the same signature", () => {
    expect(past.x).toBeGreaterThanOrEqual(n);
    expect(() => verifyEs256(message, signatureOf(past.x, 5n), keyFor(past, pastR, 5n))).toThrow(
      expect.objectContaining({ code: "SIGNATURE_INVALID" }),
    );
  });

  it("refuses a sum that is the point at infinity", () => {
    // e + r d = 0: u1 G + u2 Q vanishes for every s.
    const r = 0x1000n;
    const infinity = keyOf(times(-e * inverse(r, n), G));
    for (const s of [1n, 2n, half]) {
      expect(() => verifyEs256(message, signatureOf(r, s), infinity)).toThrow(
        expect.objectContaining({ code: "SIGNATURE_INVALID" }),
      );
    }
  });

  it("refuses by low S alone what OpenSSL takes", () => {
    const high = signatureOf(R.x, n - 5n);
    expect(verify("sha256", message, { key, dsaEncoding: "ieee-p1363" }, high)).toBe(true);
  });
});

/** Of the two forms of s, the one that caliberd takes. */
function lowOf(value: bigint): bigint {
  const s = mod(value, n);
  return s > half ? n - s : s;
}
