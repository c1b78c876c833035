import { paeHead } from "./paeHead.js";

/**
 * DSSE v1.0.2 pre-authentication encoding: `"DSSEv1" SP len(type) SP type SP len(body) SP body`, lengths in bytes.
 * What is signed is this and nothing else.
 */
export function pae(payloadType: string, payload: Uint8Array): Buffer {
  const head = paeHead(payloadType, payload.length);
  return Buffer.concat([Buffer.from(head, "utf8"), payload]);
}
