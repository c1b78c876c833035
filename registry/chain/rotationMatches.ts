import { publicKeyFromSpki } from "../../protocol/crypto/spki.js";
import { verifyEs256 } from "../../protocol/crypto/verifyEs256.js";
import { titleRotationMessage } from "../../protocol/mint/titleRotationMessage.js";
import type { TitleRotation } from "../../protocol/report/schema.js";
import type { RotationWish } from "./registryView.js";

/** Seconds that the signatures must still be good for, so that their transaction can be mined. */
const margin_s = 120;

/**
 * Whether both keys have signed just what would be asked for now, with time left. The borrower controls every member.
 *
 * @throws CaliberError SIGNATURE_MALFORMED, SIGNATURE_HIGH_S, SIGNATURE_INVALID when it is, but not signed by both keys
 */
export function rotationMatches(
  { signed, spki, key_spki }: Pick<RotationWish, "signed" | "spki" | "key_spki">,
  asked: TitleRotation,
  now_s: number,
): boolean {
  if (signed === null) return false;
  const { deadline, ...facts } = signed.rotation;
  const { deadline: furthest, ...expected } = asked;
  const names = Object.keys(expected) as (keyof typeof expected)[];
  if (names.some((name) => facts[name] !== expected[name])) return false;
  if (BigInt(deadline) < BigInt(now_s + margin_s) || BigInt(deadline) > BigInt(furthest)) return false;
  const message = titleRotationMessage(signed.rotation);
  verifyEs256(message, Buffer.from(signed.old_signature, "hex"), publicKeyFromSpki(key_spki));
  verifyEs256(message, Buffer.from(signed.new_signature, "hex"), publicKeyFromSpki(spki));
  return true;
}
