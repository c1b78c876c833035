import { decodeAbiParameters, encodeAbiParameters, type Hex, stringToHex } from "viem";

/** Begins `options` of terms that name the fingerprints of their collateral. */
const tag = stringToHex("caliber.fingerprints.v1", { size: 32 });
const abi = [{ type: "bytes32" }, { type: "bytes32[]" }] as const;

/**
 * `options` of loan terms that bind the titles as borrower and lender saw them: `abi.encode(tag, fingerprints)`, the tag
 * being the bytes32 "caliber.fingerprints.v1", one fingerprint (ERC-5646) a token in the order of the terms.
 */
export function encodeFingerprintOptions(fingerprints: Hex[]): Hex {
  return encodeAbiParameters(abi, [tag, fingerprints]);
}

/**
 * The fingerprints that a loan's terms name; null where their `options` hold something else. Options that begin with
 * the tag and do not decode name none that any title could have.
 */
export function agreedFingerprints(options: Hex): readonly Hex[] | null {
  if (!options.toLowerCase().startsWith(tag)) return null;
  try {
    return decodeAbiParameters(abi, options)[1];
  } catch {
    return [];
  }
}
