import type { Database } from "better-sqlite3";
import type { Logger } from "pino";
import { type Address, fallback, type LocalAccount } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { CaliberError } from "../../protocol/errors.js";
import { createChainReader } from "./chainReader.js";
import { type ChainStatus, chainStatus } from "./chainStatus.js";
import { chainTransport } from "./chainTransport.js";
import { createChainWriter } from "./chainWriter.js";
import { type Deployment, loadDeployment } from "./deployment.js";
import { endpointNames } from "./endpointNames.js";
import { openWriterKey } from "./openWriterKey.js";
import type { RegistryView } from "./registryView.js";
import { signerAccount } from "./signerAccount.js";
import type { WriterSettings } from "./writerSettings.js";

export type ChainOptions = {
  /** One or more nodes of the same chain. */
  rpc_urls: readonly string[];
  /** JSON file with the contracts' addresses. */
  deployment_file: string;
  writer: WriterAccount;
  settings: Partial<WriterSettings>;
};

export type Chain = {
  healthOf(tokenId: bigint): Promise<unknown>;
  status(): ChainStatus;
  stop(): Promise<void>;
};

/** Whose account writes: a key on file, or one that a signer holds. */
export type WriterAccount =
  | {
      /** File of mode 0600: a keystore, or on the development chain the plain key. */
      key_file: string;
      /** File of mode 0600 with the keystore's password. */
      password_file: string | null;
    }
  | { signer_url: string; address: Address };

async function accountOf(writer: WriterAccount, { chain_id }: Deployment): Promise<LocalAccount> {
  if ("signer_url" in writer) return signerAccount(writer.signer_url, writer.address);
  return privateKeyToAccount(await openWriterKey({ ...writer, chain_id }));
}

/** Starts the chain writer of a registry. A node that is away is waited for. */
export async function startChain(options: {
  db: Database;
  view: RegistryView;
  log: Logger;
  now_ms: () => number;
  chain: ChainOptions;
}): Promise<Chain> {
  const { db, view, log, now_ms, chain } = options;
  const deployment = loadDeployment(chain.deployment_file);
  if (deployment === null) {
    throw new CaliberError(
      "DEPLOYMENT_MISSING",
      `no contracts are deployed: ${chain.deployment_file} is not there`,
      {
        disposition: "user",
      },
    );
  }
  const transports = chain.rpc_urls.map(chainTransport);
  const names = endpointNames(chain.rpc_urls);
  const writer = createChainWriter({
    db,
    endpoints: transports.map((transport, i) => ({ name: names[i]!, transport })),
    deployment,
    account: await accountOf(chain.writer, deployment),
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
