// The envelope and the log in plain JavaScript, apart from protocol/ for the same reason as es256.mjs.
import { sha256, sign } from "./es256.mjs";

export const types = {
  report: "application/vnd.caliber.report.v1+json",
  down: "application/vnd.caliber.down.v1+json",
  event: "application/cloudevents+json",
};

/** DSSE v1 pre-authentication encoding. */
export function pae(type, payload) {
  const typeBytes = Buffer.from(type);
  const body = Buffer.from(payload);
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${typeBytes.length} `),
    typeBytes,
    Buffer.from(` ${body.length} `),
    body,
  ]);
}

/** The signed parts of one statement. `payload` is text or bytes; what is signed is exactly it. */
export function signed(type, payload, key) {
  const bytes = pae(type, payload);
  const signature = sign(bytes, key);
  return {
    type,
    payload: Buffer.from(payload),
    pae: bytes,
    signature,
    statement: sha256(bytes).toString("hex"),
  };
}

/** The DSSE JSON envelope as an agent sends it. */
export function envelope({ type, payload, signature }, keyid) {
  return JSON.stringify({
    payloadType: type,
    payload: payload.toString("base64"),
    signatures: [{ keyid, sig: signature.toString("base64") }],
  });
}

export const leaf = (data) => sha256(Buffer.concat([Buffer.of(0), data]));

/** RFC 6962 §2.1, straight from its recursive definition. */
export function root(leaves) {
  if (leaves.length === 0) return sha256("");
  if (leaves.length === 1) return leaves[0];
  const split = splitOf(leaves.length);
  return sha256(Buffer.concat([Buffer.of(1), root(leaves.slice(0, split)), root(leaves.slice(split))]));
}

/** RFC 6962 §2.1.1 PATH(index, leaves). */
export function path(index, leaves) {
  if (leaves.length <= 1) return [];
  const split = splitOf(leaves.length);
  return index < split
    ? [...path(index, leaves.slice(0, split)), root(leaves.slice(split))]
    : [...path(index - split, leaves.slice(split)), root(leaves.slice(0, split))];
}

function splitOf(length) {
  let split = 1;
  while (split * 2 < length) split *= 2;
  return split;
}
