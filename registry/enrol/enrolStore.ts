import type { KeyBody } from "../../protocol/log/entryBodies.js";

export type TokenRecord = {
  expires_ms: number;
  used_ms: number | null;
  /** Address that the tokens of the enrolled devices are minted to. */
  recipient: string;
  /** Who the token was given to; for people. */
  operator: string;
  /** SHA-256 of the endorsement keys that alone may enrol with this token; none asks for no TPM. */
  ek_sha256: readonly string[];
};

export type HostRecord = { host: string; spki: Buffer; recipient: string; revoked: boolean };

/** What enrolment needs of the registry's store. Tokens are known by SHA-256 of their secret only. */
export type EnrolStore = {
  findToken(token_sha256: string): TokenRecord | null;
  findHost(host: string): HostRecord | null;
  /** True when a device key is on record, live or retired: a key enrols once. */
  hasDevice(device: string): boolean;
  /**
   * One commit: spends the token and appends the key entry to the log.
   *
   * @throws CaliberError TOKEN_SPENT when another request was faster, DEVICE_TAKEN
   */
  enrol(token_sha256: string, body: Extract<KeyBody, { type: "enrol" }>): void;
};
