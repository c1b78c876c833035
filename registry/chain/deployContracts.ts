import {
  type Address,
  encodeDeployData,
  type Hex,
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
import { sendFromAccount } from "./sendFromAccount.js";

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
 * Deploys token, health and log, one transaction after the other. Killed half-way it leaves contracts behind that nobody uses, and is simply run again.
 *
 * @throws CaliberError CHAIN_DEPLOY_FAILED; viem's errors when the node does not answer
 */
export async function deployContracts(options: DeployOptions): Promise<Deployment> {
  const { transport, deployer, writer, admin_delay_s, epoch_s } = options;
  const client = chainClient(transport);
  const chain_id = await client.getChainId();
  const args = [admin_delay_s, writer, writer] as const;

  async function deploy(data: Hex): Promise<TransactionReceipt & { contractAddress: Address }> {
    const receipt = await sendFromAccount(client, deployer, { data });
    if (!receipt.contractAddress) {
      throw new CaliberError(
        "CHAIN_DEPLOY_FAILED",
        `transaction ${receipt.transactionHash} made no contract`,
      );
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
