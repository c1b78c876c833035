import { publicKeyFromSpki } from "../../protocol/crypto/spki.js";
import { verifyEs256 } from "../../protocol/crypto/verifyEs256.js";
import { mintAuthorizationMessage } from "../../protocol/mint/mintAuthorizationMessage.js";
import type { MintAuthorization } from "../../protocol/report/schema.js";
import type { Consent } from "./registryView.js";

/** Seconds a consent must still be good for, so that its transaction can be mined. */
const margin_s = 120;

/**
 * Whether a consent is to just what would be asked for now, with time left. The borrower controls every member, the
 * deadline too: one further away than was ever asked for would be a blank cheque.
 *
 * @throws CaliberError SIGNATURE_MALFORMED, SIGNATURE_HIGH_S, SIGNATURE_INVALID when it is, but not signed by the key
 */
export function consentMatches(
  consent: Consent,
  asked: MintAuthorization,
  spki: Uint8Array,
  now_s: number,
): boolean {
  const { deadline, ...facts } = consent.authorization;
  const { deadline: furthest, ...expected } = asked;
  const names = Object.keys(expected) as (keyof typeof expected)[];
  if (names.some((name) => facts[name] !== expected[name])) return false;
  if (BigInt(deadline) < BigInt(now_s + margin_s) || BigInt(deadline) > BigInt(furthest)) return false;
  const signature = Buffer.from(consent.signature, "hex");
  verifyEs256(mintAuthorizationMessage(consent.authorization), signature, publicKeyFromSpki(spki));
  return true;
}
