import { CaliberError } from "../errors.js";
import { createTpmReader } from "./createTpmReader.js";
import { attestCreation, tpmGenerated } from "./tpmConstants.js";

/** What a TPM says when it certifies that it made an object. */
export type CreationAttest = {
  /** Qualified name of the key that signs. */
  qualifiedSigner: Buffer;
  /** The caller's qualifying data: a nonce. */
  extraData: Buffer;
  /** Name of the object that the TPM made. */
  objectName: Buffer;
  creationHash: Buffer;
};

const name_bytes = 66;
const digest_bytes = 64;

/**
 * Parses a TPMS_ATTEST of type TPM_ST_ATTEST_CREATION (Part 2, 10.12). Attacker-controlled until its signature is
 * checked, and of the attacker's choosing in all but the magic after that, unless the key that signed is restricted.
 *
 * @throws CaliberError TPM_MALFORMED, TPM_ATTEST_TYPE
 */
export function parseCreationAttest(bytes: Buffer): CreationAttest {
  const reader = createTpmReader(bytes, "TPMS_ATTEST");
  if (reader.u32("magic") !== tpmGenerated) {
    throw new CaliberError("TPM_ATTEST_TYPE", "the attestation does not begin with TPM_GENERATED");
  }
  const type = reader.u16("type");
  if (type !== attestCreation) {
    throw new CaliberError(
      "TPM_ATTEST_TYPE",
      `attestation of type 0x${type.toString(16)}, not of a creation`,
    );
  }
  const qualifiedSigner = reader.sized("qualifiedSigner", name_bytes);
  const extraData = reader.sized("extraData", digest_bytes);
  // clockInfo and firmwareVersion: of no use here, and obfuscated by the TPM for keys outside its owner's hierarchy.
  reader.u64("clock");
  reader.u32("resetCount");
  reader.u32("restartCount");
  reader.u8("safe");
  reader.u64("firmwareVersion");
  const objectName = reader.sized("objectName", name_bytes);
  const creationHash = reader.sized("creationHash", digest_bytes);
  reader.end();
  return { qualifiedSigner, extraData, objectName, creationHash };
}
