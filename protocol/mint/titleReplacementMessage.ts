import type { TitleReplacement } from "../report/schema.js";
import { titleMessage } from "./titleMessage.js";

/**
 * What the device that stands in behind a title signs (ES256); who consents for the title signs the Keccak of it (EIP-712).
 *
 * @throws CaliberError MINT_AUTHORIZATION_INVALID when a number does not fit its type: it would be signed as another.
 */
export function titleReplacementMessage(replacement: TitleReplacement): Buffer {
  return titleMessage(replacement, "Replacement", [
    ["uint256", "tokenId", replacement.token_id],
    ["bytes32", "fingerprint", replacement.fingerprint],
    ["bytes32", "deviceKeyHash", replacement.device_key_hash],
    ["bytes32", "strongIdentity", replacement.strong_identity],
    ["bytes32", "weakIdentity", replacement.weak_identity],
    ["bytes32", "evidence", replacement.evidence],
    ["bytes32", "logOrigin", replacement.log_origin],
    ["bytes32", "headerHash", replacement.header_hash],
    ["uint8", "assurance", replacement.assurance],
    ["uint256", "predecessor", replacement.predecessor],
    ["uint64", "nonce", replacement.nonce],
    ["uint64", "deadline", replacement.deadline],
  ]);
}
