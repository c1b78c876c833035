import type { KeyObject } from "node:crypto";
import { deviceIdOf } from "../../protocol/crypto/deviceIdOf.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import type { DownBody, DownMessage } from "../../protocol/down/downMessage.js";
import { encodeEnvelope } from "../../protocol/dsse/encodeEnvelope.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { signEnvelope } from "../../protocol/dsse/signEnvelope.js";
import type { RegistryKeyChange } from "../../protocol/registryKey/registryKeyChange.js";
import type { Meta } from "../store/meta.js";

export type Downlink = {
  send(host: string, body: DownBody, ttl_ms?: number): void;
  /** Says that the registry's key has handed over, by the key that did. */
  announce(host: string, change: RegistryKeyChange, former: KeyObject): void;
};

const defaultTtl_ms = 5 * 60_000;
/** Sequence numbers a second: more than can be sent. At this rate they stay below 2^53 until the year 2106. */
const perSecond = 2 ** 21;
/** What a start leaves above the last one when the clock has gone back. */
const perStart = 2 ** 24;

/**
 * Signs what goes down to hosts. Sequence numbers rise across restarts: by the clock, so that hosts also listen to a
 * registry that was restored from an older copy, and where the clock has gone back, from the last start's.
 */
export function createDownlink(options: {
  meta: Meta;
  key: KeyObject;
  keyid: string;
  now_ms: () => number;
  transmit: (host: string, payload: Buffer) => void;
}): Downlink {
  const { meta, key, keyid, now_ms, transmit } = options;
  const last = Number(meta.get("down_seq_base") ?? "0");
  const base = Math.max(Math.floor(now_ms() / 1000) * perSecond, last + perStart);
  meta.set("down_seq_base", String(base));
  let seq = base;
  const sign = (host: string, body: DownBody, ttl_ms: number, by: KeyObject, id: string): void => {
    seq += 1;
    const issued_ms = now_ms();
    const message: DownMessage = { v: 1, aud: host, seq, issued_ms, expires_ms: issued_ms + ttl_ms, body };
    const { envelope } = signEnvelope(payloadTypes.down, Buffer.from(JSON.stringify(message)), by);
    transmit(host, encodeEnvelope(envelope, id));
  };
  return {
    send: (host, body, ttl_ms = defaultTtl_ms) => sign(host, body, ttl_ms, key, keyid),
    announce: (host, change, former) =>
      sign(host, { type: "registry-key", change }, defaultTtl_ms, former, deviceIdOf(spkiOf(former))),
  };
}
