import type { KeyObject } from "node:crypto";

/** A P-256 key that signs for one GPU. Where the private half lives is the store's affair. */
export type SigningKey = {
  /** SHA-256 of the SPKI, lower-case hex: the device's id. */
  readonly id: string;
  /** Canonical 91-byte SPKI DER. */
  readonly spki: Buffer;
  /** ES256 over `message`: 64-byte r‖s, low-S. */
  sign(message: Uint8Array): Buffer;
};

/**
 * The keys of one host. A GPU's key is filed under the GPU's UUID, which the host declares.
 *
 * Every call throws CaliberError KEY_FILE_PERMISSIONS or KEY_MALFORMED when a key is there but must not be used.
 */
export type KeyStore = {
  /** Transport key: for the client certificate and for renewals. @throws CaliberError KEY_MISSING */
  hostKey(): KeyObject;
  /** @throws CaliberError KEY_MISSING */
  deviceKey(uuid: string): SigningKey;
  /** Makes the keys that are not there yet. A key that exists is never replaced. */
  create(uuids: readonly string[]): void;
  /** Deletes every key: what they signed can be checked for ever, but nothing more can be signed. */
  destroy(): void;
};
