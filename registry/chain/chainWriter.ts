import { setMaxListeners } from "node:events";
import type { Database } from "better-sqlite3";
import type { Logger } from "pino";
import { BaseError, type LocalAccount } from "viem";
import { CaliberError } from "../../protocol/errors.js";
import { abortableTransport } from "./abortableTransport.js";
import { chainClient } from "./chainClient.js";
import { createChainStep } from "./chainStep.js";
import { type Deployment, deploymentId } from "./deployment.js";
import { createEndpoints, type Endpoint } from "./endpoints.js";
import type { IntentState } from "./intent.js";
import { createIntentStore } from "./intentStore.js";
import { type CoSigner, createPostQuorum } from "./postQuorum.js";
import { createProblems, type Problem } from "./problems.js";
import type { RegistryView } from "./registryView.js";
import type { Head } from "./writerContext.js";
import { defaultWriterSettings, type WriterSettings } from "./writerSettings.js";

export type ChainWriterOptions = {
  db: Database;
  /** At least one; with several, the writer writes only while those that answer are of one chain. */
  endpoints: readonly Endpoint[];
  deployment: Deployment;
  account: LocalAccount;
  /** The other attestors that can be asked to sign health posts; none where the account is a quorum by itself. */
  co_signers?: readonly CoSigner[] | undefined;
  view: RegistryView;
  log: Logger;
  now_ms: () => number;
  settings?: Partial<WriterSettings>;
  /** In [0, 1); jitter only. */
  random?: () => number;
};

export type ChainWriterStatus = {
  rpc: { state: "ok" } | { state: "starting" } | { state: "down"; since_ms: number; error: string };
  /** What ended the last round: CHAIN_CONTRACTS_MISSING, CHAIN_WRONG_CHAIN, CHAIN_WRITER_FAULT …; null when it went well or the node is just away. */
  fault: { code: string; text: string; since_ms: number } | null;
  intents: Record<IntentState, number>;
  last_block: { number: number; hash: string; time_ms: number } | null;
  balance_wei: bigint | null;
  /** WRITER_OUT_OF_FUNDS, CHAIN_FEE_CAP, IDENTITY_TAKEN, … with what they are about. */
  problems: Problem[];
};

export type ChainWriter = {
  /** Begins to work; returns at once. A node that is away is waited for. */
  start(): void;
  /** Ends the round under way at its next request; nothing is lost by it. */
  stop(): Promise<void>;
  /** One round, for tests and tools; never beside a started loop. Throws what stopped it. */
  step(): Promise<void>;
  status(): ChainWriterStatus;
};

/**
 * Turns registry state into chain state. All it must remember is in `db`; it may be killed between any two
 * instructions. What goes wrong is told by `status()`: the loop itself never ends before `stop`.
 */
export function createChainWriter(options: ChainWriterOptions): ChainWriter {
  const { db, deployment, account, view, log, now_ms, random = Math.random } = options;
  const settings = { ...defaultWriterSettings, ...options.settings };
  const abort = new AbortController();
  // Each request under way listens, and many are under way at once.
  setMaxListeners(0, abort.signal);
  const store = createIntentStore(db, `${deploymentId(deployment)}:${account.address.toLowerCase()}`, now_ms);
  const problems = createProblems(log, now_ms);
  const endpoints = createEndpoints({
    endpoints: options.endpoints.map(({ name, transport }) => ({
      name,
      transport: abortableTransport(transport, abort.signal),
    })),
    problems,
    check_interval_ms: settings.endpoint_check_ms,
    now_ms,
  });
  const client = chainClient(endpoints.transport);
  const quorum = createPostQuorum({
    client,
    account,
    co_signers: options.co_signers ?? [],
    deployment,
    problems,
    retry_ms: settings.failure_retry_ms,
    now_ms,
    signal: abort.signal,
  });
  const runStep = createChainStep({
    client,
    endpoints,
    account,
    quorum,
    deployment,
    store,
    view,
    settings,
    problems,
    log,
    now_ms,
    random,
  });

  let rpc: ChainWriterStatus["rpc"] = { state: "starting" };
  let fault: ChainWriterStatus["fault"] = null;
  let head: Head | null = null;
  let balance_wei: bigint | null = null;
  let failures = 0;
  let loop: Promise<void> | null = null;

  async function step(): Promise<void> {
    try {
      const result = await runStep();
      head = result.head;
      balance_wei = result.account.balance_wei;
      if (rpc.state === "down") log.info({ away_ms: now_ms() - rpc.since_ms }, "the chain's node is back");
      if (fault !== null) log.info({ code: fault.code }, "the chain writer works again");
      rpc = { state: "ok" };
      fault = null;
      failures = 0;
    } catch (error) {
      if (CaliberError.find(error, "CHAIN_WRITER_STOPPED") === undefined) blame(error);
      throw error;
    }
  }

  function blame(error: unknown): void {
    failures += 1;
    if (error instanceof BaseError) {
      // viem's errors that are not a contract's answer are about the way to the node. Its long messages carry the
      // request; the short one says what happened.
      const text = error.details ? `${error.shortMessage} ${error.details}` : error.shortMessage;
      endpoints.distrust();
      if (rpc.state !== "down") log.warn({ reason: text }, "the chain's node does not answer");
      rpc = { state: "down", since_ms: rpc.state === "down" ? rpc.since_ms : now_ms(), error: text };
      return;
    }
    rpc = { state: "ok" };
    const code = error instanceof CaliberError ? error.code : "CHAIN_WRITER_FAULT";
    const text = error instanceof Error ? error.message : String(error);
    const since_ms = fault !== null && fault.code === code ? fault.since_ms : now_ms();
    const told = fault !== null && fault.code === code && fault.text === text;
    // A coded error may have one of viem's as its cause, which holds the node's URL, and that may hold a key.
    const facts = error instanceof CaliberError ? { code, reason: text } : { code, err: error };
    if (!told) log.error(facts, "a round failed");
    fault = { code, text, since_ms };
  }

  async function run(): Promise<void> {
    while (!abort.signal.aborted) {
      try {
        await step();
      } catch {
        // `step` has put it into the status and the log; the next round starts from doubt.
      }
      await pause(failures === 0 ? settings.poll_interval_ms : retryPause_ms());
    }
  }

  function retryPause_ms(): number {
    const full = Math.min(settings.rpc_retry_max_ms, settings.poll_interval_ms * 2 ** Math.min(failures, 20));
    return full * (0.5 + 0.5 * random());
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        abort.signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      if (abort.signal.aborted) done();
      else abort.signal.addEventListener("abort", done, { once: true });
    });
  }

  return {
    start() {
      if (loop !== null) throw new CaliberError("CHAIN_WRITER_STARTED", "the chain writer runs already");
      loop = run();
    },
    async stop() {
      abort.abort();
      await loop;
    },
    step,
    status: () => ({
      rpc,
      fault,
      intents: store.counts(),
      last_block: head === null ? null : { number: head.number, hash: head.hash, time_ms: head.time_ms },
      balance_wei,
      problems: problems.list(),
    }),
  };
}
