import type { Database } from "better-sqlite3";
import type { Logger } from "pino";
import { privateKeyToAccount } from "viem/accounts";
import { createChainReader } from "./chainReader.js";
import { chainTransport } from "./chainTransport.js";
import { createChainWriter } from "./chainWriter.js";
import { loadWriterKey } from "./loadWriterKey.js";
import type { RegistryView } from "./registryView.js";
import { requireDeployment } from "./requireDeployment.js";
import type { WriterSettings } from "./writerSettings.js";

export type ChainOptions = {
  rpc_url: string;
  /** JSON file with the contracts' addresses. */
  deployment_file: string;
  /** File of mode 0600 with the writer account's key. */
  writer_key_file: string;
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
export function startChain(options: {
  db: Database;
  view: RegistryView;
  log: Logger;
  now_ms: () => number;
  chain: ChainOptions;
}): Chain {
  const { db, view, log, now_ms, chain } = options;
  const deployment = requireDeployment(chain.deployment_file);
  const transport = chainTransport(chain.rpc_url);
  const writer = createChainWriter({
    db,
    transport,
    deployment,
    account: privateKeyToAccount(loadWriterKey(chain.writer_key_file)),
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
