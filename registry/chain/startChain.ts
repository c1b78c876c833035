import type { Database } from "better-sqlite3";
import type { Logger } from "pino";
import { privateKeyToAccount } from "viem/accounts";
import { CaliberError } from "../../protocol/errors.js";
import { createChainReader } from "./chainReader.js";
import { chainTransport } from "./chainTransport.js";
import { createChainWriter } from "./chainWriter.js";
import { loadDeployment } from "./deployment.js";
import { openWriterKey } from "./openWriterKey.js";
import type { RegistryView } from "./registryView.js";
import type { WriterSettings } from "./writerSettings.js";

export type ChainOptions = {
  rpc_url: string;
  /** JSON file with the contracts' addresses. */
  deployment_file: string;
  /** File of mode 0600: a keystore, or on the development chain the plain key. */
  writer_key_file: string;
  /** File of mode 0600 with the keystore's password. */
  writer_password_file: string | null;
  settings: Partial<WriterSettings>;
};

/** What the rest of the registry needs to know of the chain's side. */
export type ChainStatus = { rpc: string; pending: number; fault: string | null; problems: string[] };

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
  const secret = await openWriterKey({
    key_file: chain.writer_key_file,
    password_file: chain.writer_password_file,
    chain_id: deployment.chain_id,
  });
  const transport = chainTransport(chain.rpc_url);
  const writer = createChainWriter({
    db,
    transport,
    deployment,
    account: privateKeyToAccount(secret),
    view,
    log: log.child({ part: "chain" }),
    now_ms,
    settings: chain.settings,
  });
  const reader = createChainReader(transport, deployment);
  writer.start();
  return {
    healthOf: (tokenId) => reader.healthOf(tokenId),
    status() {
      const { rpc, intents, fault, problems } = writer.status();
      return {
        rpc: rpc.state,
        pending: intents.wanted + intents.signed + intents.mined,
        fault: fault?.code ?? null,
        problems: problems.map(({ code }) => code),
      };
    },
    stop: () => writer.stop(),
  };
}
