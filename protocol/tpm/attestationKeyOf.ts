import { CaliberError } from "../errors.js";
import { parseEccPublic, type TpmEccPublic } from "./parseEccPublic.js";
import { objectAttribute } from "./tpmConstants.js";

const { fixedTpm, fixedParent, sensitiveDataOrigin, restricted, decrypt, sign } = objectAttribute;
const wanted = fixedTpm | fixedParent | sensitiveDataOrigin | restricted | sign;

/**
 * The public area of a key that may attest: restricted, so that its signature under TPM_GENERATED is the TPM's own word,
 * and bound to its TPM. That the TPM is real, and holds this key, is shown by activating a credential for its name.
 *
 * @throws CaliberError TPM_MALFORMED, TPM_KEY_UNSUPPORTED, TPM_AK_UNFIT
 */
export function attestationKeyOf(bytes: Buffer): TpmEccPublic {
  const key = parseEccPublic(bytes);
  if ((key.attributes & (wanted | decrypt)) !== wanted) {
    throw new CaliberError(
      "TPM_AK_UNFIT",
      "the attestation key is not a restricted signing key fixed to its TPM",
    );
  }
  return key;
}
