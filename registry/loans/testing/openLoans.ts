import pino, { type Logger } from "pino";
import { type Db, openDatabase } from "../../store/openDatabase.js";
import { createLoanIndexer, type LoanIndexer } from "../loanIndexer.js";
import type { LoanSettings } from "../loanSettings.js";
import { createLoanStore, type LoanStore } from "../loanStore.js";
import { createLoanView, type LoanView } from "../loanView.js";
import { createFakeChain, type FakeChain } from "./fakeChain.js";
import { testSettings } from "./loanLog.js";

export type TestLoans = {
  db: Db;
  chain: FakeChain;
  store: LoanStore;
  indexer: LoanIndexer;
  view: LoanView;
  /** Steps until the chain is read to its end. */
  follow(): Promise<void>;
  /** As after a kill: a new indexer on the same database and chain. */
  restart(): TestLoans;
  clock: { now_ms: number };
};

/** An index over a chain in memory. */
export function openLoans(changes: Partial<LoanSettings> = {}): TestLoans {
  const log = pino({ level: "silent" });
  return join(openDatabase(":memory:"), createFakeChain(), { ...testSettings, ...changes }, log, {
    now_ms: 1_760_000_000_000,
  });
}

function join(
  db: Db,
  chain: FakeChain,
  settings: LoanSettings,
  log: Logger,
  clock: { now_ms: number },
): TestLoans {
  const now_ms = () => clock.now_ms;
  const store = createLoanStore(db, settings);
  const indexer = createLoanIndexer({ chain, store, settings, log, now_ms });
  return {
    db,
    chain,
    store,
    indexer,
    view: createLoanView(store, settings, now_ms),
    clock,
    async follow() {
      for (let left = 1_000; left > 0; left -= 1) {
        if ((await indexer.step()) === "current") return;
      }
      throw new Error("the index does not reach the chain's end");
    },
    restart: () => join(db, chain, settings, log, clock),
  };
}
