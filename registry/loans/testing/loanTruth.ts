import { expect } from "vitest";
import { loanLog, loanOn, type RawLog } from "./loanLog.js";
import { openLoans, type TestLoans } from "./openLoans.js";

/** All that the index holds, for comparing two of them. */
export function contents({ db, view }: TestLoans) {
  const rows = db
    .prepare(
      "SELECT block_number, block_hash, log_index, tx_hash, time_s, topics, data FROM loan_log ORDER BY 1, 3",
    )
    .all();
  return { rows, loans: view.loans({ after: null, limit: 1_000 }) };
}

/** What a new index makes of the same chain. */
async function fresh(loans: TestLoans, changes: Parameters<typeof openLoans>[0] = {}) {
  const other = openLoans(changes);
  Object.assign(other.chain, {
    head: loans.chain.head,
    block: loans.chain.block,
    logs: loans.chain.logs,
    loanState: loans.chain.loanState,
    calldata: loans.chain.calldata,
  });
  await other.follow();
  return contents(other);
}

/** Less what depends on how far, and by which way, the chain was read: terms once seen under their hash stay known. */
export const settled = ({ rows, loans }: ReturnType<typeof contents>) => ({
  rows,
  loans: loans.map(({ chain_state: _, confirmed_phase: __, terms, collateral, originated, ...loan }) => ({
    ...loan,
    originated,
    ...(originated === null ? {} : { terms, collateral }),
  })),
});

/** The same logs as stand on the chain, and the same loans as a new index finds in them. */
export async function expectTrue(loans: TestLoans): Promise<void> {
  expectStanding(loans);
  expect(settled(contents(loans))).toEqual(settled(await fresh(loans)));
}

export function expectStanding(loans: TestLoans): void {
  expect(
    loans.db.prepare("SELECT block_hash, log_index FROM loan_log ORDER BY block_number, log_index").all(),
  ).toEqual(loans.chain.standing().map(({ block_hash, log_index }) => ({ block_hash, log_index })));
}

/** Lives of loans, a log a block, each on a token of its own. */
export function lives(from: number, count: number): RawLog[] {
  return Array.from({ length: count }, (_, i) => {
    const terms = loanOn([BigInt(from + Math.floor(i / 4))], from % 256);
    const steps = [loanLog.deposited, loanLog.withdrawn, loanLog.originated, loanLog.breached];
    return steps[i % 4]!(terms);
  });
}
