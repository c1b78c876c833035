import type { PublicClient } from "viem";
import { CaliberError } from "../../protocol/errors.js";
import type { Deployment } from "./deployment.js";

/**
 * Makes sure that the chain behind the client is the one that the deployment was made on and still holds it.
 *
 * @throws CaliberError CHAIN_WRONG_CHAIN, CHAIN_CONTRACTS_MISSING (a development chain that started over, even one
 * on which someone has deployed to the same addresses since); viem's errors when the node does not answer
 */
export async function checkDeployment(client: PublicClient, deployment: Deployment): Promise<void> {
  const chainId = await client.getChainId();
  if (chainId !== deployment.chain_id) {
    throw new CaliberError(
      "CHAIN_WRONG_CHAIN",
      `the node is of chain ${chainId}, not ${deployment.chain_id}`,
      {
        disposition: "user",
      },
    );
  }
  const missing = (details: string) =>
    new CaliberError("CHAIN_CONTRACTS_MISSING", "the contracts are not on this chain", {
      details,
      disposition: "user",
    });
  const head = await client.getBlockNumber({ cacheTime: 0 });
  if (head < BigInt(deployment.block.number)) {
    throw missing(`the chain ends at block ${head}, before the deployment in ${deployment.block.number}`);
  }
  const block = await client.getBlock({ blockNumber: BigInt(deployment.block.number) });
  if (block.hash !== deployment.block.hash) {
    throw missing(`block ${deployment.block.number} is not the one of the deployment`);
  }
  for (const name of ["token", "health", "log"] as const) {
    const code = await client.getCode({ address: deployment[name] });
    if (code === undefined) throw missing(`no code at ${deployment[name]} (${name})`);
  }
}
