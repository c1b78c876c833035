// ES256 for the vector scripts, apart from protocol/ on purpose: vectors written by the code that they test would
// prove nothing. Signatures are deterministic (RFC 6979), so writing the vectors twice gives the same bytes.
import { createECDH, createHash, createHmac, createPrivateKey, createPublicKey } from "node:crypto";

export const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

export const sha256 = (data) => createHash("sha256").update(data).digest();
export const word = (value) => Buffer.from(value.toString(16).padStart(64, "0"), "hex");
const number = (bytes) => BigInt(`0x${bytes.toString("hex")}`);
const hmac = (key, ...parts) => createHmac("sha256", key).update(Buffer.concat(parts)).digest();

/** A P-256 key pair from its private scalar (32 bytes, hex). */
export function keyPair(scalar) {
  const ecdh = createECDH("prime256v1");
  ecdh.setPrivateKey(scalar, "hex");
  const point = ecdh.getPublicKey();
  const part = (from) => point.subarray(from, from + 32).toString("base64url");
  const jwk = {
    kty: "EC",
    crv: "P-256",
    d: Buffer.from(scalar, "hex").toString("base64url"),
    x: part(1),
    y: part(33),
  };
  const privateKey = createPrivateKey({ format: "jwk", key: jwk });
  const spki = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  return { scalar, d: BigInt(`0x${scalar}`), point, spki, id: sha256(spki).toString("hex") };
}

/** RFC 6979 §3.2 with SHA-256: r‖s as the RFC gives it, which may have a high S. */
export function signDeterministic(message, key) {
  const digest = sha256(message);
  const z = number(digest);
  const seed = Buffer.concat([word(key.d), word(z % order)]);
  let v = Buffer.alloc(32, 1);
  let k = Buffer.alloc(32, 0);
  for (const separator of [0, 1]) {
    k = hmac(k, v, Buffer.of(separator), seed);
    v = hmac(k, v);
  }
  for (;;) {
    v = hmac(k, v);
    const nonce = number(v);
    if (nonce > 0n && nonce < order) {
      const ecdh = createECDH("prime256v1");
      ecdh.setPrivateKey(v);
      const r = number(ecdh.getPublicKey().subarray(1, 33)) % order;
      const s = (inverse(nonce) * (z + r * key.d)) % order;
      if (r !== 0n && s !== 0n) return Buffer.concat([word(r), word(s)]);
    }
    k = hmac(k, v, Buffer.of(0));
    v = hmac(k, v);
  }
}

/** The other of the two forms (s and n - s) of one signature. */
export function otherForm(signature) {
  return Buffer.concat([signature.subarray(0, 32), word(order - number(signature.subarray(32)))]);
}

/** ES256 as caliberd wants it: low-S. */
export function sign(message, key) {
  const signature = signDeterministic(message, key);
  return number(signature.subarray(32)) > order / 2n ? otherForm(signature) : signature;
}

/** a^-1 mod n by Fermat: n is prime. */
function inverse(a) {
  let result = 1n;
  let base = a % order;
  for (let exponent = order - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % order;
    base = (base * base) % order;
  }
  return result;
}
