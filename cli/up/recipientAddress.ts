import { privateKeyToAddress } from "viem/accounts";
import { loadWriterKey } from "../../registry/chain/loadWriterKey.js";

/** The account that the development tokens are minted to: a key of its own, so that title and writer are two parties. */
export function recipientAddress(key_file: string): string {
  return privateKeyToAddress(loadWriterKey(key_file)).toLowerCase();
}
