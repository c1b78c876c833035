import type { Address, LocalAccount } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import type { Deployment } from "./deployment.js";
import { openWriterKey } from "./openWriterKey.js";
import { signerAccount } from "./signerAccount.js";

/** Whose account writes: a key on file, or one that a signer holds. */
export type WriterAccount =
  | {
      /** File of mode 0600: a keystore, or on the development chain the plain key. */
      key_file: string;
      /** File of mode 0600 with the keystore's password. */
      password_file: string | null;
    }
  | { signer_url: string; address: Address };

/** The account that signs transactions, health posts and approvals. @throws CaliberError as openWriterKey */
export async function openWriterAccount(
  writer: WriterAccount,
  { chain_id }: Deployment,
): Promise<LocalAccount> {
  if ("signer_url" in writer) return signerAccount(writer.signer_url, writer.address);
  return privateKeyToAccount(await openWriterKey({ ...writer, chain_id }));
}
