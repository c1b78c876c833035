import {
  type Hex,
  isAddressEqual,
  keccak256,
  parseSignature,
  recoverAddress,
  serializeSignature,
} from "viem";
import { CaliberError } from "../../protocol/errors.js";
import { titleReplacementMessage } from "../../protocol/mint/titleReplacementMessage.js";
import type { TitleReplacement } from "../../protocol/report/schema.js";

/** A multisignature of a hundred owners fits. */
const longest_bytes = 8192;

/**
 * Holds a signature against who must consent. What a contract says of one only the chain can tell.
 *
 * @returns the signature in the form that the contract takes
 * @throws CaliberError CONSENT_MALFORMED, CONSENT_NOT_CONSENTERS
 */
export async function checkConsent(
  asked: TitleReplacement,
  consenter: { address: string; by_contract: boolean },
  signature: string,
): Promise<Hex> {
  const given = signature.trim().toLowerCase();
  if (!/^0x(?:[0-9a-f]{2})+$/.test(given) || given.length > 2 + 2 * longest_bytes) {
    throw refused("CONSENT_MALFORMED", "a signature is 0x and hex digits");
  }
  if (consenter.by_contract) return given as Hex;
  const hash = keccak256(titleReplacementMessage(asked));
  const { consent, signer } = await recovered(hash, given as Hex);
  if (!isAddressEqual(signer, consenter.address as Hex)) {
    throw refused(
      "CONSENT_NOT_CONSENTERS",
      `the signature is not by ${consenter.address} over this replacement: it would be by ${signer}`,
    );
  }
  return consent;
}

async function recovered(hash: Hex, given: Hex): Promise<{ consent: Hex; signer: Hex }> {
  if (given.length !== 2 + 2 * 65) {
    throw refused("CONSENT_MALFORMED", "an account's signature has 65 bytes");
  }
  try {
    // Some wallets write the parity as 0 or 1; the contract takes 27 or 28.
    const consent = serializeSignature(parseSignature(given));
    return { consent, signer: await recoverAddress({ hash, signature: consent }) };
  } catch (cause) {
    throw refused("CONSENT_MALFORMED", "the signature is none of an account", cause);
  }
}

function refused(code: string, message: string, cause?: unknown): CaliberError {
  return new CaliberError(code, message, { cause, disposition: "user" });
}
