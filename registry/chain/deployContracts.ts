import {
  type Address,
  encodeDeployData,
  type Hex,
  keccak256,
  type LocalAccount,
  type TransactionReceipt,
  type Transport,
} from "viem";
import { caliberHealthAbi } from "../../contracts-abi/abi/CaliberHealth.js";
import { caliberLogAbi } from "../../contracts-abi/abi/CaliberLog.js";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { caliberHealthBytecode } from "../../contracts-abi/bytecode/CaliberHealth.js";
import { caliberLogBytecode } from "../../contracts-abi/bytecode/CaliberLog.js";
import { caliberTokenBytecode } from "../../contracts-abi/bytecode/CaliberToken.js";
import { CaliberError } from "../../protocol/errors.js";
import { chainClient } from "./chainClient.js";
import type { Deployment } from "./deployment.js";

export type DeployOptions = {
  transport: Transport;
  /** Pays for the deployment. */
  deployer: LocalAccount;
  /** Becomes admin, registrar, the one attestor, and anchorer. */
  writer: Address;
  /** Seconds between the two steps of handing over the admin role. */
  admin_delay_s: number;
  /** Length of an epoch of health; a post counts for three at most. */
  epoch_s: number;
};

/**
 * Deploys the three contracts, one transaction after the other. Made for a development chain: killed half-way it
 * leaves contracts behind that nobody uses, and is simply run again.
 *
 * @throws CaliberError CHAIN_DEPLOY_FAILED; viem's errors when the node does not answer
 */
export async function deployContracts(options: DeployOptions): Promise<Deployment> {
  const { transport, deployer, writer, admin_delay_s, epoch_s } = options;
  const client = chainClient(transport);
  const chain_id = await client.getChainId();
  const args = [admin_delay_s, writer, writer] as const;

  async function deploy(data: Hex): Promise<TransactionReceipt & { contractAddress: Address }> {
    const fees = await client.estimateFeesPerGas();
    const raw = await deployer.signTransaction({
      type: "eip1559",
      chainId: chain_id,
      nonce: await client.getTransactionCount({ address: deployer.address, blockTag: "pending" }),
      data,
      gas: ((await client.estimateGas({ account: deployer.address, data })) * 12n) / 10n,
      maxFeePerGas: fees.maxFeePerGas,
      maxPriorityFeePerGas: fees.maxPriorityFeePerGas,
    });
    await client.sendRawTransaction({ serializedTransaction: raw });
    const receipt = await client.waitForTransactionReceipt({
      hash: keccak256(raw),
      pollingInterval: 100,
      timeout: 60_000,
    });
    if (receipt.status !== "success" || !receipt.contractAddress) {
      throw new CaliberError("CHAIN_DEPLOY_FAILED", `transaction ${receipt.transactionHash} reverted`);
    }
    return { ...receipt, contractAddress: receipt.contractAddress };
  }

  const token = await deploy(
    encodeDeployData({ abi: caliberTokenAbi, bytecode: caliberTokenBytecode, args }),
  );
  const health = await deploy(
    encodeDeployData({
      abi: caliberHealthAbi,
      bytecode: caliberHealthBytecode,
      args: [admin_delay_s, writer, epoch_s, [writer], 1],
    }),
  );
  const log = await deploy(encodeDeployData({ abi: caliberLogAbi, bytecode: caliberLogBytecode, args }));
  return {
    chain_id,
    token: lower(token.contractAddress),
    health: lower(health.contractAddress),
    log: lower(log.contractAddress),
    block: { number: Number(log.blockNumber), hash: log.blockHash },
  };
}

function lower(address: Address): Address {
  return address.toLowerCase() as Address;
}
