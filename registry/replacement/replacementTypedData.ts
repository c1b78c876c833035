import type { TitleReplacement } from "../../protocol/report/schema.js";

/** What a wallet is asked to sign (`eth_signTypedData_v4`) to consent to a replacement: plain JSON. */
export function replacementTypedData(replacement: TitleReplacement) {
  return {
    domain: {
      name: "CaliberToken",
      version: "1",
      chainId: replacement.chain_id,
      verifyingContract: replacement.contract as `0x${string}`,
    },
    types: {
      EIP712Domain: [
        { name: "name", type: "string" },
        { name: "version", type: "string" },
        { name: "chainId", type: "uint256" },
        { name: "verifyingContract", type: "address" },
      ],
      Replacement: [
        { name: "tokenId", type: "uint256" },
        { name: "fingerprint", type: "bytes32" },
        { name: "deviceKeyHash", type: "bytes32" },
        { name: "strongIdentity", type: "bytes32" },
        { name: "weakIdentity", type: "bytes32" },
        { name: "evidence", type: "bytes32" },
        { name: "logOrigin", type: "bytes32" },
        { name: "headerHash", type: "bytes32" },
        { name: "assurance", type: "uint8" },
        { name: "predecessor", type: "uint256" },
        { name: "nonce", type: "uint64" },
        { name: "deadline", type: "uint64" },
      ],
    },
    primaryType: "Replacement",
    message: {
      tokenId: replacement.token_id,
      fingerprint: replacement.fingerprint,
      deviceKeyHash: replacement.device_key_hash,
      strongIdentity: replacement.strong_identity,
      weakIdentity: replacement.weak_identity,
      evidence: replacement.evidence,
      logOrigin: replacement.log_origin,
      headerHash: replacement.header_hash,
      assurance: replacement.assurance,
      predecessor: replacement.predecessor,
      nonce: replacement.nonce,
      deadline: replacement.deadline,
    },
  } as const;
}
