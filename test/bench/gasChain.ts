import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  type Address,
  createTestClient,
  encodeDeployData,
  type Hex,
  http,
  publicActions,
  type TransactionReceipt,
  TransactionReceiptNotFoundError,
  walletActions,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { foundry } from "viem/chains";

/** The first accounts of every development chain: their keys are published, so nobody can mistake them for secrets. */
export const [sender, ...attestors] = [
  privateKeyToAccount("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"),
  privateKeyToAccount("0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"),
  privateKeyToAccount("0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"),
  privateKeyToAccount("0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"),
];

export type GasChain = Awaited<ReturnType<typeof startGasChain>>;

/** anvil with the P-256 precompile, on a port of its own; with what `executionGas` needs if it is `traced`. */
export async function startGasChain(traced: boolean) {
  const port = await freePort();
  const binary = fileURLToPath(
    new URL("../../../node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil", import.meta.url),
  );
  const args = ["--port", String(port), "--hardfork", "osaka", "--gas-limit", "60000000"];
  if (traced) args.push("--steps-tracing");
  const child = spawn(binary, [...args, "--silent"], { stdio: "ignore" });
  const client = createTestClient({
    chain: foundry,
    mode: "anvil",
    transport: http(`http://127.0.0.1:${port}`),
    account: sender!,
    cacheTime: 0,
  })
    .extend(publicActions)
    .extend(walletActions);
  for (let left = 100; ; left -= 1) {
    try {
      await client.getChainId();
      break;
    } catch (error) {
      if (left === 0 || child.exitCode !== null) throw error;
      await sleep(100);
    }
  }

  async function send(to: Address | null, data: Hex): Promise<TransactionReceipt> {
    // The most that EIP-7825 lets a transaction have, so that nothing is estimated first.
    const hash = await client.sendTransaction({ to, data, gas: 16_777_216n });
    const receipt = await receiptOf(hash);
    if (receipt.status !== "success") throw new Error(`transaction ${hash} reverted`);
    return receipt;
  }

  /** By asking: viem waits for another block once it has missed the one that came at once. */
  async function receiptOf(hash: Hex): Promise<TransactionReceipt> {
    for (let left = 1000; ; left -= 1) {
      try {
        return await client.getTransactionReceipt({ hash });
      } catch (error) {
        if (left === 0 || !(error instanceof TransactionReceiptNotFoundError)) throw error;
        await sleep(10);
      }
    }
  }

  return {
    client,
    send,
    async deploy(options: Parameters<typeof encodeDeployData>[0]): Promise<Address> {
      return (await send(null, encodeDeployData(options))).contractAddress!;
    },
    /** Gas of the code itself, without base cost and calldata. */
    async executionGas(hash: Hex): Promise<number> {
      const request = { method: "debug_traceTransaction", params: [hash, { disableStorage: true }] };
      const { structLogs } = (await client.request(request as never)) as { structLogs: { gas: number }[] };
      return structLogs[0]!.gas - structLogs.at(-1)!.gas;
    },
    async now_s(): Promise<number> {
      return Number((await client.getBlock()).timestamp);
    },
    async stop(): Promise<void> {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  server.close();
  await once(server, "close");
  return address.port;
}
