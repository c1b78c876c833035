/** Numbers of the TPM 2.0 library specification, Part 2, that a P-256 signing key and its attestation use. */
export const tpmAlgorithm = { sha256: 0x000b, null: 0x0010, ecdsa: 0x0018, ecc: 0x0023 } as const;
export const tpmCurveP256 = 0x0003;

/** TPM_GENERATED_VALUE, "\xffTCG": opens all that a TPM attests, and nothing that a restricted key signs for others. */
export const tpmGenerated = 0xff544347;
/** TPM_ST_ATTEST_CREATION: the TPM itself made the named object. */
export const attestCreation = 0x801a;

/** TPM_RH_ENDORSEMENT: the hierarchy whose seed the TPM's maker put in. */
export const endorsementHierarchy = 0x4000000b;

/** TPMA_OBJECT. */
export const objectAttribute = {
  /** The object can never be duplicated, and its parent cannot either. */
  fixedTpm: 1 << 1,
  fixedParent: 1 << 4,
  /** The TPM drew the private half from its own random numbers (Create, not Import). */
  sensitiveDataOrigin: 1 << 5,
  /** Signs only what the TPM hashed itself and what does not begin with TPM_GENERATED. */
  restricted: 1 << 16,
  decrypt: 1 << 17,
  sign: 1 << 18,
} as const;
