import type { Database } from "better-sqlite3";
import type { Logger } from "pino";
import { fallback } from "viem";
import { createChainReader } from "./chainReader.js";
import { type ChainStatus, chainStatus } from "./chainStatus.js";
import { chainTransport } from "./chainTransport.js";
import { createChainWriter } from "./chainWriter.js";
import { endpointNames } from "./endpointNames.js";
import { openWriterAccount, type WriterAccount } from "./openWriterAccount.js";
import type { CoSigner } from "./postQuorum.js";
import type { RegistryView } from "./registryView.js";
import { requireDeployment } from "./requireDeployment.js";
import type { WriterSettings } from "./writerSettings.js";

export type ChainOptions = {
  /** One or more nodes of the same chain. */
  rpc_urls: readonly string[];
  /** JSON file with the contracts' addresses. */
  deployment_file: string;
  writer: WriterAccount;
  /** The other attestors that are asked to sign health posts where the contract wants more signatures than one. */
  co_signers?: readonly CoSigner[];
  settings: Partial<WriterSettings>;
};

export type Chain = {
  healthOf(tokenId: bigint): Promise<unknown>;
  status(): ChainStatus;
  stop(): Promise<void>;
};

/** Starts the chain writer of a registry. A node that is away is waited for. */
export async function startChain(options: {
  db: Database;
  view: RegistryView;
  log: Logger;
  now_ms: () => number;
  chain: ChainOptions;
}): Promise<Chain> {
  const { db, view, log, now_ms, chain } = options;
  const deployment = requireDeployment(chain.deployment_file);
  const transports = chain.rpc_urls.map(chainTransport);
  const names = endpointNames(chain.rpc_urls);
  const writer = createChainWriter({
    db,
    endpoints: transports.map((transport, i) => ({ name: names[i]!, transport })),
    deployment,
    account: await openWriterAccount(chain.writer, deployment),
    co_signers: chain.co_signers,
    view,
    log: log.child({ part: "chain" }),
    now_ms,
    settings: chain.settings,
  });
  const reader = createChainReader(fallback(transports), deployment);
  writer.start();
  return {
    healthOf: (tokenId) => reader.healthOf(tokenId),
    status: () => chainStatus(writer.status()),
    stop: () => writer.stop(),
  };
}
