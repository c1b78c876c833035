import { encodePacked, type Hex, keccak256 } from "viem";

/** The id of the router's ERC-721 for a lender's position: `keccak256(abi.encodePacked(loanTermsHash, uint8 tranche))`. */
export function lenderTokenId(loan: Hex, tranche: number): bigint {
  return BigInt(keccak256(encodePacked(["bytes32", "uint8"], [loan, tranche])));
}
