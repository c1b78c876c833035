import { setMaxListeners } from "node:events";
import type { Logger } from "pino";
import type { Transport } from "viem";
import { CaliberError } from "../../protocol/errors.js";
import { abortableTransport } from "../chain/abortableTransport.js";
import { chainClient } from "../chain/chainClient.js";
import type { Db } from "../store/openDatabase.js";
import { createLoanIndexer } from "./loanIndexer.js";
import type { LoanSettings } from "./loanSettings.js";
import { createLoanStore } from "./loanStore.js";
import { createLoanView, type LoanView } from "./loanView.js";
import { viemLoanChain } from "./viemLoanChain.js";

export type LoanIndex = {
  view: LoanView;
  /** What ended the last round, since when; null while all is well. */
  fault(): { code: string; since_ms: number } | null;
  /** Ends the round under way at its next request; nothing is lost by it. */
  stop(): Promise<void>;
};

const retry_max_ms = 60_000;

/** Indexes loans for as long as the registry runs. A node that is away is waited for, from the place where it left. */
export function startLoanIndex(options: {
  db: Db;
  transport: Transport;
  settings: LoanSettings;
  poll_ms: number;
  log: Logger;
  now_ms: () => number;
}): LoanIndex {
  const { db, settings, poll_ms, log, now_ms } = options;
  const abort = new AbortController();
  // Each request under way listens, and many are under way at once.
  setMaxListeners(0, abort.signal);
  const client = chainClient(abortableTransport(options.transport, abort.signal));
  const store = createLoanStore(db, settings);
  const indexer = createLoanIndexer({ chain: viemLoanChain(client, settings), store, settings, log, now_ms });
  let fault: { code: string; since_ms: number } | null = null;

  async function run(): Promise<void> {
    let failures = 0;
    while (!abort.signal.aborted) {
      try {
        const step = await indexer.step();
        if (fault !== null) log.info({ code: fault.code }, "the loan index works again");
        fault = null;
        failures = 0;
        if (step === "current") await pause(poll_ms, abort.signal);
      } catch (error) {
        if (abort.signal.aborted) return;
        failures += 1;
        blame(error);
        await pause(Math.min(retry_max_ms, poll_ms * 2 ** Math.min(failures - 1, 16)), abort.signal);
      }
    }
  }

  function blame(error: unknown): void {
    const code = error instanceof CaliberError ? error.code : "LOANS_FAULT";
    if (fault?.code === code) return;
    fault = { code, since_ms: now_ms() };
    // A coded error may have one of viem's as its cause, which holds the node's URL, and that may hold a key.
    const facts = error instanceof CaliberError ? { code, reason: error.message } : { code, err: error };
    log.error(facts, "the loan index could not read on");
  }

  const running = run();
  return {
    view: createLoanView(store, settings, now_ms),
    fault: () => fault,
    async stop() {
      abort.abort();
      await running;
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}
