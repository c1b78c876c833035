import type { TitleRotation } from "../report/schema.js";
import { titleMessage } from "./titleMessage.js";

/**
 * What the key that a title names and the key that took over from it both sign (ES256), so that the title follows.
 *
 * @throws CaliberError MINT_AUTHORIZATION_INVALID when a number does not fit its type: it would be signed as another.
 */
export function titleRotationMessage(rotation: TitleRotation): Buffer {
  return titleMessage(rotation, "Rotation", [
    ["uint256", "tokenId", rotation.token_id],
    ["bytes32", "oldKeyHash", rotation.old_key_hash],
    ["bytes32", "newKeyHash", rotation.new_key_hash],
    ["bytes32", "evidence", rotation.evidence],
    ["uint8", "assurance", rotation.assurance],
    ["uint64", "nonce", rotation.nonce],
    ["uint64", "deadline", rotation.deadline],
  ]);
}
