import { keccak_256 } from "@noble/hashes/sha3";
import { CaliberError } from "../errors.js";

type Member =
  | readonly [type: "address" | "bytes32", name: string, value: string]
  | readonly [type: `uint${8 | 64 | 256}`, name: string, value: string | number];

const domainType = keccak(
  "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
);

/**
 * The 66 bytes `0x1901 ‖ domainSeparator ‖ structHash` (EIP-712) of something that is signed to CaliberToken about a title:
 * `name` and `members` are the struct's type and, in its order, its values. A device signs them with SHA-256; node:crypto
 * hashes once more, so it signs bytes, not a digest, and the contract takes SHA-256 of these.
 *
 * @throws CaliberError MINT_AUTHORIZATION_INVALID when a number does not fit its type: it would be signed as another.
 */
export function titleMessage(
  { chain_id, contract }: { chain_id: number; contract: string },
  name: string,
  members: readonly Member[],
): Buffer {
  const domain = keccak(
    Buffer.concat([
      domainType,
      keccak("CaliberToken"),
      keccak("1"),
      wordOf(["uint256", "chainId", chain_id]),
      wordOf(["address", "verifyingContract", contract]),
    ]),
  );
  const type = keccak(`${name}(${members.map(([of, member]) => `${of} ${member}`).join(",")})`);
  const struct = keccak(Buffer.concat([type, ...members.map(wordOf)]));
  return Buffer.concat([Buffer.of(0x19, 0x01), domain, struct]);
}

function keccak(data: string | Uint8Array): Buffer {
  return Buffer.from(keccak_256(data));
}

function wordOf([type, , given]: Member): Buffer {
  if (type === "bytes32") return Buffer.from(given.slice(2), "hex");
  if (type === "address") return Buffer.concat([Buffer.alloc(12), Buffer.from(given.slice(2), "hex")]);
  const value = BigInt(given);
  if (value < 0n || value >> BigInt(type.slice("uint".length)) !== 0n) {
    throw new CaliberError("MINT_AUTHORIZATION_INVALID", `a number does not fit ${type}`);
  }
  return Buffer.from(value.toString(16).padStart(64, "0"), "hex");
}
