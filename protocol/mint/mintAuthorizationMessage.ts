import { keccak_256 } from "@noble/hashes/sha3";
import { CaliberError } from "../errors.js";
import type { MintAuthorization } from "../report/schema.js";

const domainType = keccak(
  "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
);
const structType = keccak(
  "MintAuthorization(address recipient,bytes32 deviceKeyHash,bytes32 strongIdentity,bytes32 weakIdentity,bytes32 evidence,bytes32 logOrigin,bytes32 headerHash,uint8 assurance,uint256 predecessor,uint64 nonce,uint64 deadline)",
);

/**
 * The 66 bytes `0x1901 ‖ domainSeparator ‖ structHash` (EIP-712) that a device signs with SHA-256 to consent to a
 * token. A device signs bytes, not a digest: node:crypto hashes once more, and the contract takes SHA-256 of these.
 *
 * @throws CaliberError MINT_AUTHORIZATION_INVALID when a number does not fit its type: it would be signed as another.
 */
export function mintAuthorizationMessage(auth: MintAuthorization): Buffer {
  const domain = keccak(
    Buffer.concat([
      domainType,
      keccak("CaliberToken"),
      keccak("1"),
      word(BigInt(auth.chain_id), 256),
      addressWord(auth.contract),
    ]),
  );
  const struct = keccak(
    Buffer.concat([
      structType,
      addressWord(auth.recipient),
      hexWord(auth.device_key_hash),
      hexWord(auth.strong_identity),
      hexWord(auth.weak_identity),
      hexWord(auth.evidence),
      hexWord(auth.log_origin),
      hexWord(auth.header_hash),
      word(BigInt(auth.assurance), 8),
      word(BigInt(auth.predecessor), 256),
      word(BigInt(auth.nonce), 64),
      word(BigInt(auth.deadline), 64),
    ]),
  );
  return Buffer.concat([Buffer.of(0x19, 0x01), domain, struct]);
}

function keccak(data: string | Uint8Array): Buffer {
  return Buffer.from(keccak_256(data));
}

function word(value: bigint, bits: number): Buffer {
  if (value < 0n || value >> BigInt(bits) !== 0n) {
    throw new CaliberError("MINT_AUTHORIZATION_INVALID", `a number does not fit uint${bits}`);
  }
  return Buffer.from(value.toString(16).padStart(64, "0"), "hex");
}

function hexWord(value: string): Buffer {
  return Buffer.from(value.slice(2), "hex");
}

function addressWord(value: string): Buffer {
  return Buffer.concat([Buffer.alloc(12), Buffer.from(value.slice(2), "hex")]);
}
