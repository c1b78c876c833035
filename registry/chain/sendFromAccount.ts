import {
  type Address,
  type Hex,
  keccak256,
  type LocalAccount,
  type PublicClient,
  type TransactionReceipt,
} from "viem";
import { CaliberError } from "../../protocol/errors.js";

/** A call, or a contract's creation when `to` is left out. */
export type Sent = { to?: Address; data: Hex };

/**
 * Signs one transaction, sends it and waits until it is mined. For what is done once by hand; the writer's own work
 * goes through its intent table.
 *
 * @throws CaliberError CHAIN_DEPLOY_FAILED when it reverts; viem's errors when the node does not answer
 */
export async function sendFromAccount(
  client: PublicClient,
  account: LocalAccount,
  call: Sent,
): Promise<TransactionReceipt> {
  const fees = await client.estimateFeesPerGas();
  const raw = await account.signTransaction({
    type: "eip1559",
    chainId: await client.getChainId(),
    nonce: await client.getTransactionCount({ address: account.address, blockTag: "pending" }),
    ...call,
    gas: ((await client.estimateGas({ account: account.address, ...call })) * 12n) / 10n,
    maxFeePerGas: fees.maxFeePerGas,
    maxPriorityFeePerGas: fees.maxPriorityFeePerGas,
  });
  await client.sendRawTransaction({ serializedTransaction: raw });
  const receipt = await client.waitForTransactionReceipt({
    hash: keccak256(raw),
    pollingInterval: 100,
    timeout: 60_000,
  });
  if (receipt.status !== "success") {
    throw new CaliberError("CHAIN_DEPLOY_FAILED", `transaction ${receipt.transactionHash} reverted`);
  }
  return receipt;
}
