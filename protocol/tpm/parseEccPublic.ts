import { hash } from "node:crypto";
import { publicKeyFromSpki } from "../crypto/spki.js";
import { CaliberError } from "../errors.js";
import { createTpmReader } from "./createTpmReader.js";
import { tpmAlgorithm, tpmCurveP256 } from "./tpmConstants.js";

/** Public area of a P-256 signing key in a TPM. */
export type TpmEccPublic = {
  /** nameAlg ‖ SHA-256(public area): what the TPM calls the object, with all its attributes (34 bytes). */
  name: Buffer;
  /** TPMA_OBJECT. */
  attributes: number;
  /** Canonical 91-byte SPKI. */
  spki: Buffer;
};

/** SubjectPublicKeyInfo of P-256 up to the coordinates. */
const spkiPrefix = Buffer.from("3059301306072a8648ce3d020106082a8648ce3d03010703420004", "hex");
const coordinate_bytes = 32;

/**
 * Parses a TPMT_PUBLIC (Part 2, 12.2.4) of an ECC P-256 key that signs by ECDSA with SHA-256. Attacker-controlled.
 *
 * @throws CaliberError TPM_MALFORMED, TPM_KEY_UNSUPPORTED for another kind of key
 */
export function parseEccPublic(bytes: Buffer): TpmEccPublic {
  const reader = createTpmReader(bytes, "TPMT_PUBLIC");
  const expect = (name: string, value: number, wanted: number): void => {
    if (value !== wanted) {
      throw new CaliberError(
        "TPM_KEY_UNSUPPORTED",
        `${name} is 0x${value.toString(16)}, not 0x${wanted.toString(16)}`,
      );
    }
  };
  expect("type", reader.u16("type"), tpmAlgorithm.ecc);
  expect("nameAlg", reader.u16("nameAlg"), tpmAlgorithm.sha256);
  const attributes = reader.u32("objectAttributes");
  // What a policy asks for concerns who may use the key on its host; the name covers it as all else.
  reader.sized("authPolicy", 64);
  expect("symmetric", reader.u16("symmetric"), tpmAlgorithm.null);
  expect("scheme", reader.u16("scheme"), tpmAlgorithm.ecdsa);
  expect("hashAlg", reader.u16("hashAlg"), tpmAlgorithm.sha256);
  expect("curveID", reader.u16("curveID"), tpmCurveP256);
  expect("kdf", reader.u16("kdf"), tpmAlgorithm.null);
  const x = coordinate(reader.sized("x", coordinate_bytes));
  const y = coordinate(reader.sized("y", coordinate_bytes));
  reader.end();
  const spki = Buffer.concat([spkiPrefix, x, y]);
  publicKeyFromSpki(spki);
  const digest = hash("sha256", bytes, "buffer");
  return { name: Buffer.concat([Buffer.of(0x00, tpmAlgorithm.sha256), digest]), attributes, spki };
}

/** Some TPMs leave leading zeros out. */
function coordinate(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(coordinate_bytes - bytes.length), bytes]);
}
