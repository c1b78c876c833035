import type { KeyObject } from "node:crypto";
import { openEnvelope } from "../dsse/openEnvelope.js";
import { payloadTypes } from "../dsse/payloadTypes.js";
import { CaliberError } from "../errors.js";
import type { DownMessage } from "./downMessage.js";

/**
 * Opens a message from the registry. The broker is not trusted: it may forge, repeat, hold back and cross-deliver.
 *
 * @param context whom it must be for, the highest seq taken so far, and the time now.
 * @throws CaliberError ENVELOPE_*, SIGNATURE_*, DOWN_NOT_FOR_US, DOWN_REPLAYED, DOWN_EXPIRED
 */
export function openDown(
  bytes: Uint8Array,
  registryKey: KeyObject,
  context: { host: string; lastSeq: number; now_ms: number },
): DownMessage {
  const message = openEnvelope(bytes, payloadTypes.down, registryKey) as DownMessage | null;
  if (message?.v !== 1 || message.aud !== context.host) {
    throw new CaliberError("DOWN_NOT_FOR_US", "a message for another host or of another version");
  }
  if (!Number.isSafeInteger(message.seq) || message.seq <= context.lastSeq) {
    throw new CaliberError("DOWN_REPLAYED", `message ${message.seq} is not newer than ${context.lastSeq}`);
  }
  if (!(context.now_ms < message.expires_ms))
    throw new CaliberError("DOWN_EXPIRED", "the message has expired");
  return message;
}
