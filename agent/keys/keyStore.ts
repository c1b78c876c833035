import type { KeyObject } from "node:crypto";

/** A P-256 key that signs for one GPU. Where the private half lives is the store's affair. */
export type SigningKey = {
  /** SHA-256 of the SPKI, lower-case hex: the device's id. */
  readonly id: string;
  /** Canonical 91-byte SPKI DER. */
  readonly spki: Buffer;
  /** Whether the private half lives in a TPM. */
  readonly inTpm: boolean;
  /** ES256 over `message`: 64-byte r‖s, low-S. @throws CaliberError TPM_FAILED where the key is in a TPM that fails */
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
  /**
   * The key of a GPU: the one that is `device`, if it is filed for this GPU, else the first one.
   *
   * @throws CaliberError KEY_MISSING
   */
  deviceKey(uuid: string, device?: string): SigningKey;
  /** Makes the key that takes over from the GPU's present one, which stays. @throws CaliberError ROTATION_IN_TPM */
  createSuccessor(uuid: string): SigningKey;
  /** Deletes the keys of a GPU but for `device`, the one in force. Deleted already, there is nothing to do. */
  discardFormer(uuid: string, device: string): void;
  /** Deletes every key of one GPU. Deleted already, there is nothing to do. */
  discard(uuid: string): void;
  /** Makes the keys that are not there yet. A key that exists is never replaced. */
  create(uuids: readonly string[]): void;
  /** Deletes every key: what they signed can be checked for ever, but nothing more can be signed. */
  destroy(): void;
  /** How the store shows that its device keys live in a TPM; null where they do not. */
  readonly residency: Residency | null;
};

/** A TPM's side of an enrolment. Every call throws CaliberError TPM_TOOLS_MISSING or TPM_FAILED. */
export type Residency = {
  /** Who the TPM is: its endorsement key, the maker's certificate for it if there is one, and its attestation key. */
  endorsement(): Endorsement;
  /** What the registry wrapped for this endorsement key and attestation key: the TPM alone gets it out. */
  activate(credential: { idObject: Buffer; encryptedSecret: Buffer }): Buffer;
  /** The TPM's word that it made the key of this GPU, with `qualification` signed along. */
  certify(uuid: string, qualification: Buffer): { public: Buffer; attest: Buffer; signature: Buffer };
};

export type Endorsement = {
  /** SPKI DER, RSA-2048 or P-256. */
  ek_spki: Buffer;
  /** X.509 DER from the TPM's non-volatile memory; null where the maker put none there. */
  ek_certificate: Buffer | null;
  /** TPMT_PUBLIC. */
  ak: Buffer;
};
