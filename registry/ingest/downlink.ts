import type { KeyObject } from "node:crypto";
import type { DownBody, DownMessage } from "../../protocol/down/downMessage.js";
import { encodeEnvelope } from "../../protocol/dsse/encodeEnvelope.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { signEnvelope } from "../../protocol/dsse/signEnvelope.js";
import type { Meta } from "../store/meta.js";

export type Downlink = { send(host: string, body: DownBody, ttl_ms?: number): void };

const defaultTtl_ms = 5 * 60_000;
/** Sequence numbers a start of the registry may use: the count of starts goes above them. */
const perStart = 2 ** 32;

/** Signs what goes down to hosts. Sequence numbers rise across restarts without leaning on the clock. */
export function createDownlink(options: {
  meta: Meta;
  key: KeyObject;
  keyid: string;
  now_ms: () => number;
  transmit: (host: string, payload: Buffer) => void;
}): Downlink {
  const { meta, key, keyid, now_ms, transmit } = options;
  const start = Number(meta.get("starts") ?? "0") + 1;
  meta.set("starts", String(start));
  let seq = start * perStart;
  return {
    send(host, body, ttl_ms = defaultTtl_ms) {
      seq += 1;
      const issued_ms = now_ms();
      const message: DownMessage = { v: 1, aud: host, seq, issued_ms, expires_ms: issued_ms + ttl_ms, body };
      const { envelope } = signEnvelope(payloadTypes.down, Buffer.from(JSON.stringify(message)), key);
      transmit(host, encodeEnvelope(envelope, keyid));
    },
  };
}
