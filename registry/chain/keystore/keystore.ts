import { CaliberError } from "../../../protocol/errors.js";

/** Web3 Secret Storage, version 3, with scrypt and AES-128-CTR. Binary members are lower-case hex without 0x. */
export type Keystore = {
  version: 3;
  id: string;
  /** 40 hex digits; not authenticated by `mac`. Absent where the maker leaves it out. */
  address?: string;
  crypto: {
    cipher: "aes-128-ctr";
    cipherparams: { iv: string };
    ciphertext: string;
    kdf: "scrypt";
    kdfparams: { dklen: 32; n: number; r: number; p: number; salt: string };
    mac: string;
  };
};

/** Memory that a keystore may make scrypt take: twice what the usual n of 2^18 with r of 8 does. */
const max_scrypt_bytes = 2 ** 29;

/**
 * Reads a keystore's JSON and makes sure of every member that is used.
 *
 * @throws CaliberError KEYSTORE_MALFORMED; KEYSTORE_UNSUPPORTED for another version, cipher or key derivation
 */
export function parseKeystore(text: string): Keystore {
  const malformed = (what: string, cause?: unknown) =>
    new CaliberError("KEYSTORE_MALFORMED", `not a keystore: ${what}`, { cause, disposition: "user" });
  let value: { version?: unknown; crypto?: Partial<Keystore["crypto"]> } | null;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed("not JSON", cause);
  }
  const crypto = value?.crypto;
  if (typeof value !== "object" || value === null || typeof crypto !== "object" || crypto === null) {
    throw malformed("no member crypto");
  }
  if (value.version !== 3 || crypto.cipher !== "aes-128-ctr" || crypto.kdf !== "scrypt") {
    throw new CaliberError("KEYSTORE_UNSUPPORTED", "only keystores V3 with scrypt and aes-128-ctr are read", {
      disposition: "user",
    });
  }
  const { dklen, n, r, p, salt } = crypto.kdfparams ?? ({} as Partial<Keystore["crypto"]["kdfparams"]>);
  if (!isHex(crypto.cipherparams?.iv, 16)) throw malformed("iv");
  if (!isHex(crypto.ciphertext, 32)) throw malformed("ciphertext");
  if (!isHex(crypto.mac, 32)) throw malformed("mac");
  if (typeof salt !== "string" || !/^([0-9a-f]{2}){1,64}$/i.test(salt)) throw malformed("salt");
  if (dklen !== 32) throw malformed("dklen");
  if (!isCount(n) || !isCount(r) || !isCount(p) || n < 2 || (n & (n - 1)) !== 0 || p > 16) {
    throw malformed("n, r or p");
  }
  if (128 * n * r > max_scrypt_bytes) throw malformed("n and r ask for too much memory");
  return value as Keystore;
}

function isHex(value: unknown, bytes: number): boolean {
  return typeof value === "string" && value.length === 2 * bytes && /^[0-9a-f]+$/i.test(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= 2 ** 24;
}
