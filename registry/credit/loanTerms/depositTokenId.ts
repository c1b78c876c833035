import { type Address, encodePacked, type Hex, keccak256 } from "viem";

/**
 * The id of CollateralTimelock's receipt: `keccak256(abi.encodePacked(target, context, token, tokenIds))`. The ids are
 * hashed in their order, so the router can only take out exactly the list that was put in.
 */
export function depositTokenId(target: Address, context: Hex, token: Address, token_ids: bigint[]): bigint {
  return BigInt(
    keccak256(
      encodePacked(["address", "bytes32", "address", "uint256[]"], [target, context, token, token_ids]),
    ),
  );
}
