import {
  constants,
  createCipheriv,
  createHmac,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  publicEncrypt,
  randomBytes,
} from "node:crypto";
import { spkiOf } from "../crypto/spki.js";
import { CaliberError } from "../errors.js";
import { kdfa } from "./kdfa.js";
import { kdfe } from "./kdfe.js";
import { tpm2b } from "./tpm2b.js";

/** What TPM2_ActivateCredential takes, each as the content of its TPM2B. */
export type TpmCredential = {
  /** TPMS_ID_OBJECT: TPM2B_DIGEST of the HMAC ‖ encrypted TPM2B_DIGEST of the secret. */
  idObject: Buffer;
  /** Seed, for the endorsement key alone: RSA-OAEP ciphertext, or the TPMS_ECC_POINT of an ephemeral key. */
  encryptedSecret: Buffer;
};

const none = Buffer.alloc(0);
const label = "IDENTITY";

/**
 * TPM2_MakeCredential (TPM 2.0 Part 1, 24.4) without a TPM: wraps a secret so that only the TPM that holds the
 * endorsement key gets it out, and only while an object of this name is loaded in that TPM.
 *
 * For the endorsement keys of the TCG's default templates for RSA-2048 and NIST P-256, whose nameAlg is SHA-256 and whose
 * symmetric cipher is AES-128-CFB.
 *
 * @param secret at most 32 bytes.
 * @param name of the object, 34 bytes.
 * @throws CaliberError EK_UNSUPPORTED
 */
export function makeCredential(ek: KeyObject, name: Buffer, secret: Buffer): TpmCredential {
  const { seed, encryptedSecret } = wrapSeed(ek);
  const symmetricKey = kdfa(seed, "STORAGE", name, none, 128);
  const cipher = createCipheriv("aes-128-cfb", symmetricKey, Buffer.alloc(16));
  const encIdentity = Buffer.concat([cipher.update(tpm2b(secret)), cipher.final()]);
  const hmacKey = kdfa(seed, "INTEGRITY", none, none, 256);
  const outerHmac = createHmac("sha256", hmacKey).update(encIdentity).update(name).digest();
  return { idObject: Buffer.concat([tpm2b(outerHmac), encIdentity]), encryptedSecret };
}

function wrapSeed(ek: KeyObject): { seed: Buffer; encryptedSecret: Buffer } {
  if (ek.asymmetricKeyType === "rsa" && ek.asymmetricKeyDetails?.modulusLength === 2048) {
    const seed = randomBytes(32);
    const encryptedSecret = publicEncrypt(
      {
        key: ek,
        padding: constants.RSA_PKCS1_OAEP_PADDING,
        oaepHash: "sha256",
        // Part 1, B.4: the label counts with its closing zero.
        oaepLabel: Buffer.from(`${label}\0`, "ascii"),
      },
      seed,
    );
    return { seed, encryptedSecret };
  }
  if (ek.asymmetricKeyType === "ec" && ek.asymmetricKeyDetails?.namedCurve === "prime256v1") {
    // Part 1, C.6.1: one-pass Diffie-Hellman.
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const z = diffieHellman({ privateKey, publicKey: ek });
    const own = pointOf(publicKey);
    const seed = kdfe(z, label, own.x, pointOf(ek).x);
    return { seed, encryptedSecret: Buffer.concat([tpm2b(own.x), tpm2b(own.y)]) };
  }
  throw new CaliberError("EK_UNSUPPORTED", "the endorsement key is neither RSA-2048 nor P-256");
}

function pointOf(key: KeyObject): { x: Buffer; y: Buffer } {
  const spki = spkiOf(key);
  return { x: spki.subarray(27, 59), y: spki.subarray(59) };
}
