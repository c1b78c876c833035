import type { MintAuthorization } from "../report/schema.js";
import { titleMessage } from "./titleMessage.js";

/**
 * What a device signs (ES256) to consent to a token.
 *
 * @throws CaliberError MINT_AUTHORIZATION_INVALID when a number does not fit its type: it would be signed as another.
 */
export function mintAuthorizationMessage(auth: MintAuthorization): Buffer {
  return titleMessage(auth, "MintAuthorization", [
    ["address", "recipient", auth.recipient],
    ["bytes32", "deviceKeyHash", auth.device_key_hash],
    ["bytes32", "strongIdentity", auth.strong_identity],
    ["bytes32", "weakIdentity", auth.weak_identity],
    ["bytes32", "evidence", auth.evidence],
    ["bytes32", "logOrigin", auth.log_origin],
    ["bytes32", "headerHash", auth.header_hash],
    ["uint8", "assurance", auth.assurance],
    ["uint256", "predecessor", auth.predecessor],
    ["uint64", "nonce", auth.nonce],
    ["uint64", "deadline", auth.deadline],
  ]);
}
