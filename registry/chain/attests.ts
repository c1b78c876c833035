import {
  type Address,
  encodeFunctionData,
  type Hex,
  type PublicClient,
  parseAbi,
  recoverAddress,
} from "viem";
import { revertOf } from "./revertOf.js";

const erc1271 = parseAbi(["function isValidSignature(bytes32 hash, bytes signature) view returns (bytes4)"]);
/** As a whole word: the contract compares all 32 bytes. */
const magic = `0x1626ba7e${"00".repeat(28)}`;
const halfOrder = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
/** Gas for calldata is the writer's: 32 owners of a multisig account fit. */
const signature_max_bytes = 4_096;

/**
 * Whether CaliberHealth will take the signature for the attestor's, by the rule that its SignatureChecker has: an account
 * with code is asked (ERC-1271) as `health` will ask it, any other has signed with its key: 65 bytes, low s, v of 27 or 28.
 *
 * @throws viem's errors when the node does not answer
 */
export async function attests(
  client: PublicClient,
  health: Address,
  attestor: Address,
  digest: Hex,
  signature: Hex,
): Promise<boolean> {
  if (signature.length % 2 !== 0 || signature.length > 2 + 2 * signature_max_bytes) return false;
  const code = await client.getCode({ address: attestor });
  if (code === undefined || code === "0x") return signedByKey(attestor, digest, signature);
  const args = [digest, signature] as const;
  const call = { account: health, to: attestor, data: encodeFunctionData({ abi: erc1271, args }) };
  try {
    const { data } = await client.call(call);
    return data?.slice(0, 66) === magic;
  } catch (error) {
    if (revertOf(error) === null) throw error;
    return false;
  }
}

async function signedByKey(attestor: Address, digest: Hex, signature: Hex): Promise<boolean> {
  if (signature.length !== 132) return false;
  const v = Number.parseInt(signature.slice(130), 16);
  if ((v !== 27 && v !== 28) || BigInt(`0x${signature.slice(66, 130)}`) > halfOrder) return false;
  try {
    const signer = await recoverAddress({ hash: digest, signature });
    return signer.toLowerCase() === attestor.toLowerCase();
  } catch {
    // No point of the curve belongs to these numbers.
    return false;
  }
}
