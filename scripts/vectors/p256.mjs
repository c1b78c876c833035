// The arithmetic of P-256 (FIPS 186-5) in whole numbers: slow, and with no edge that is not in plain sight.
export const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
export const p = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const b = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
export const G = {
  x: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  y: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
};

export const mod = (a, m) => ((a % m) + m) % m;

function power(base, exponent, m) {
  let result = 1n;
  for (let e = exponent, square = mod(base, m); e > 0n; e >>= 1n, square = (square * square) % m) {
    if (e & 1n) result = (result * square) % m;
  }
  return result;
}

/** Fermat: p and n are prime. */
export const inverse = (a, m) => power(a, m - 2n, m);

/** Never asked for the sum of opposite points. */
export function add(a, c) {
  const slope =
    a.x === c.x
      ? mod((3n * a.x * a.x - 3n) * inverse(2n * a.y, p), p)
      : mod((c.y - a.y) * inverse(c.x - a.x, p), p);
  const x = mod(slope * slope - a.x - c.x, p);
  return { x, y: mod(slope * (a.x - x) - a.y, p) };
}

export function times(scalar, point) {
  let result = null;
  for (let k = mod(scalar, n), twice = point; k > 0n; k >>= 1n, twice = add(twice, twice)) {
    if (k & 1n) result = result === null ? twice : add(result, twice);
  }
  return result;
}

export const negated = ({ x, y }) => ({ x, y: p - y });

/** A point whose x is at least n, so that r is not x: with a random key, one in 2^32 signatures or fewer. */
export function pointPastOrder() {
  for (let x = n; x < p; x += 1n) {
    const square = mod(x * x * x - 3n * x + b, p);
    const y = power(square, (p + 1n) / 4n, p);
    if ((y * y) % p === square) return { x, y };
  }
  throw new Error("no point of P-256 has an x from n to p");
}
