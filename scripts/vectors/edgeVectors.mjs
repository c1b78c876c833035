// es256-edges.json
import { sha256 } from "./es256.mjs";
import { add, G, inverse, mod, n, negated, p, pointPastOrder, times } from "./p256.mjs";

const message = "caliber test: edges of ES256";
const e = BigInt(`0x${sha256(message).toString("hex")}`);
const half = (n - 1n) / 2n;

const word = (value) => value.toString(16).padStart(64, "0");
const sig = (r, s) => word(r) + word(s);
const spkiOf = ({ x, y }) => `3059301306072a8648ce3d020106082a8648ce3d03010703420004${word(x)}${word(y)}`;
/** A key under which (r, s) is a signature of the message, where R has the x that r comes from: Q = (s R - e G) / r. */
const keyFor = (R, r, s) => spkiOf(times(inverse(r, n), add(times(s, R), negated(times(e, G)))));
/** Of the two forms of s, the one that caliberd takes. */
const lowOf = (value) => {
  const s = mod(value, n);
  return s > half ? n - s : s;
};
/** DER INTEGER of a value, as an ECDSA-Sig-Value holds it. */
const integer = (value) => {
  const digits = value.toString(16);
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  const hex = Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even;
  return `02${(hex.length / 2).toString(16).padStart(2, "0")}${hex}`;
};
const derOf = (r, s) => {
  const body = integer(r) + integer(s);
  return `30${(body.length / 2).toString(16).padStart(2, "0")}${body}`;
};

export function edgeVectors() {
  const k = 0x1234567890abcdefn;
  const R = times(k, G);
  const past = pointPastOrder();
  const pastR = past.x - n;
  const key = keyFor(R, R.x, 5n);
  const good = sig(R.x, 5n);
  // e + r d = 0: u1 G + u2 Q vanishes for every s.
  const tiny = 0x1000n;
  const vanishing = spkiOf(times(-e * inverse(tiny, n), G));

  const accepted = [
    ["s = 5", key, good],
    ["s = 1", keyFor(R, R.x, 1n), sig(R.x, 1n)],
    ["s = (n - 1) / 2, the largest low one", keyFor(R, R.x, half), sig(R.x, half)],
    ["R with x past n: r is x - n", keyFor(past, pastR, 5n), sig(pastR, 5n)],
    ["k = 1: R is the generator", keyFor(G, G.x, 7n), sig(G.x, 7n)],
    [
      "u1 G = u2 Q: adding them has to double",
      spkiOf(times(e * inverse(R.x, n), G)),
      sig(R.x, lowOf(2n * e * inverse(k, n))),
    ],
    ["key = generator", spkiOf(G), sig(R.x, lowOf((e + R.x) * inverse(k, n)))],
    ["key = opposite of the generator", spkiOf(negated(G)), sig(R.x, lowOf((e - R.x) * inverse(k, n)))],
  ];
  const refused = {
    SIGNATURE_INVALID: [
      ["r = 0", sig(0n, 5n)],
      ["s = 0", sig(R.x, 0n)],
      ["r = s = 0", sig(0n, 0n)],
      ["r = 0, s = 1", sig(0n, 1n)],
      ["r = 1, s = 0", sig(1n, 0n)],
      ["r = s = 1", sig(1n, 1n)],
      ["r = n", sig(n, 5n)],
      ["r = n, s = 0", sig(n, 0n)],
      ["r = n - 1", sig(n - 1n, 5n)],
      ["r = n + 1", sig(n + 1n, 5n)],
      ["r = p", sig(p, 5n)],
      ["r = 2^256 - 1", sig(2n ** 256n - 1n, 5n)],
      ["r replaced by n - r", sig(n - R.x, 5n)],
      ["r and s exchanged", sig(5n, lowOf(R.x))],
      ["halves in little-endian order", Buffer.from(word(R.x), "hex").reverse().toString("hex") + word(5n)],
      [
        "r = x where x is past n: a second form of the same signature",
        sig(past.x, 5n),
        keyFor(past, pastR, 5n),
      ],
      ["the same signature under the opposite key", good, oppositeOf(key)],
      ...[1n, 2n, half].map((s, i) => [
        `u1 G + u2 Q is the point at infinity, s = ${["1", "2", "(n - 1) / 2"][i]}`,
        sig(tiny, s),
        vanishing,
      ]),
      ["u1 G + u2 Q is the point at infinity, r = 0", sig(0n, 1n), vanishing],
    ],
    SIGNATURE_HIGH_S: [
      ["s replaced by n - s", sig(R.x, n - 5n)],
      ["s + n", sig(R.x, 5n + n)],
      ["s = (n + 1) / 2", sig(R.x, half + 1n)],
      ["s = n - 1", sig(R.x, n - 1n)],
      ["s = n", sig(R.x, n)],
      ["s = n + 1", sig(R.x, n + 1n)],
      ["r = s = n", sig(n, n)],
      ["s = p", sig(R.x, p)],
      ["r = 0, s = n", sig(0n, n)],
      ["s = 2^256 - 1", sig(R.x, 2n ** 256n - 1n)],
    ],
    SIGNATURE_MALFORMED: [
      ["empty", ""],
      ["r alone", good.slice(0, 64)],
      ["one byte short", good.slice(0, 126)],
      ["leading zeros left out", `${word(R.x)}05`],
      ["one zero before", `00${good}`],
      ["one zero behind", `${good}00`],
      ["a zero before each half", `00${word(R.x)}00${word(5n)}`],
      ["halves of the size of P-384's", "01".repeat(96)],
      ["twice", good + good],
      ["ASN.1 DER", derOf(R.x, 5n)],
      ["ASN.1 DER of r = s = 0", derOf(0n, 0n)],
    ],
  };
  // r and s short enough that the DER has 64 bytes.
  const short = derOf(2n ** 230n, 2n ** 230n + 1n);
  if (short.length !== 128) throw new Error(`a DER signature of ${short.length / 2} bytes`);
  refused.SIGNATURE_INVALID.push(["ASN.1 DER of 64 bytes", short]);
  return {
    description:
      "ES256 at its edges, of the kinds that Project Wycheproof collects: every case has its own key and is good or bad for the reason it names. `code` is null where the signature is to be taken.",
    source: "scripts/vectors/generate.mjs, from the curve's own arithmetic",
    message,
    cases: [
      ...accepted.map(([name, spki, signature]) => ({ name, spki, signature, code: null })),
      ...Object.entries(refused).flatMap(([code, list]) =>
        list.map(([name, signature, spki = key]) => ({ name, spki, signature, code })),
      ),
    ],
  };
}

/** The key whose point is this one's opposite: same x. */
function oppositeOf(spki) {
  const [x, y] = [spki.slice(-128, -64), spki.slice(-64)].map((hex) => BigInt(`0x${hex}`));
  return spkiOf(negated({ x, y }));
}
