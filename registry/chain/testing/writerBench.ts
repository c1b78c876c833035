import Database from "better-sqlite3";
import pino from "pino";
import type { Transport } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { chainTransport } from "../chainTransport.js";
import { type ChainWriter, createChainWriter } from "../chainWriter.js";
import { deployContracts } from "../deployContracts.js";
import { type Deployment, deploymentId } from "../deployment.js";
import type { Endpoint } from "../endpoints.js";
import { createIntentStore, type IntentStore } from "../intentStore.js";
import type { RegistryView } from "../registryView.js";
import type { WriterSettings } from "../writerSettings.js";

/** The first account of every development chain: its key is published, so nobody can mistake it for a secret. */
export const account = privateKeyToAccount(
  "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
);

export function deployTo(url: string): Promise<Deployment> {
  return deployContracts({
    transport: chainTransport(url),
    deployer: account,
    writer: account.address,
    admin_delay_s: 0,
    epoch_s: 3600,
  });
}

export type BenchOptions = {
  deployment: Deployment;
  view: RegistryView;
  /** The one node, or several. */
  transport: Transport | readonly Endpoint[];
  db?: Database.Database;
  settings?: Partial<WriterSettings>;
  now_ms?: () => number;
};

export type Bench = { writer: ChainWriter; db: Database.Database; store: IntentStore };

/** A writer as after a start of the process: all it knows is in the database, the registry and the chain. */
export function openBench(options: BenchOptions): Bench {
  const { deployment, view, transport, db = new Database(":memory:"), now_ms = Date.now } = options;
  const writer = createChainWriter({
    db,
    endpoints: typeof transport === "function" ? [{ name: "node", transport }] : transport,
    deployment,
    account,
    view,
    log: pino({ level: "silent" }),
    now_ms,
    settings: { poll_interval_ms: 50, anchor_interval_ms: 0, epoch_ms: 3_600_000, ...options.settings },
  });
  return {
    writer,
    db,
    store: createIntentStore(db, `${deploymentId(deployment)}:${account.address.toLowerCase()}`, now_ms),
  };
}

/** Rounds until nothing is under way and a round has planned nothing new. */
export async function runUntilQuiet(writer: ChainWriter, most = 30): Promise<void> {
  let quiet = 0;
  for (let left = most; left > 0; left -= 1) {
    await writer.step();
    const { wanted, signed, mined } = writer.status().intents;
    quiet = wanted + signed + mined === 0 ? quiet + 1 : 0;
    if (quiet === 2) return;
  }
  throw new Error(`not quiet after ${most} rounds: ${JSON.stringify(writer.status().intents)}`);
}
