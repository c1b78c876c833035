import { encodeFunctionData } from "viem";
import { describe, expect, it, vi } from "vitest";
import { toAbiLoanTerms } from "../credit/loanTerms/abiLoanTerms.js";
import { loanTermsAbi } from "../credit/loanTerms/loanTermsAbi.js";
import { loanSchedule } from "../credit/schedule/loanSchedule.js";
import { originationState } from "../credit/schedule/originationState.js";
import { testAddress, testMarket, testModels } from "../credit/testing/testTerms.js";
import { loanDue } from "./loanDue.js";
import { loanJson } from "./loanJson.js";
import { hashOf, loanLog, loanOn, testSettings } from "./testing/loanLog.js";
import { openLoans, type TestLoans } from "./testing/openLoans.js";

/** Mines one block with these logs and follows. */
async function mined(loans: TestLoans, ...logs: Parameters<TestLoans["chain"]["mine"]>): Promise<TestLoans> {
  loans.chain.mine(...logs);
  await loans.follow();
  return loans;
}
const of = (loans: TestLoans, token_id: bigint) => {
  const { loan, hold, history } = loans.view.loansOfTokens([token_id]).get(token_id) ?? {};
  return { hold, phase: loan?.phase, pledged: loan?.is_pledged, loan: loan?.loan, history };
};
const terms = loanOn([5n, 6n]);
const loan = hashOf(terms);

describe("a token's loan", () => {
  it("is followed from the timelock to the last repayment", async () => {
    const loans = openLoans();
    await mined(loans);
    expect(loans.view.loansOfTokens([5n]).get(5n)).toBeUndefined();
    await mined(loans, loanLog.deposited(terms));
    expect(of(loans, 5n)).toEqual({ hold: "staged", phase: "staged", pledged: true, loan, history: [loan] });
    expect(loans.view.loan(loan)).toMatchObject({
      terms: null,
      originated: null,
      collateral: [{ token: terms.collateral_token, token_ids: [5n, 6n] }],
      stagings: [{ state: "staged", expiration_s: terms.expiration_s }],
    });
    await mined(loans, loanLog.withdrawn(terms), loanLog.originated(terms));
    expect(of(loans, 6n)).toMatchObject({ hold: "pledged", phase: "active", pledged: true });
    expect(loans.view.loan(loan)).toMatchObject({ terms, originated: { block_number: 3, log_index: 1 } });
    await mined(loans, loanLog.repaid(terms, 10n, false));
    await mined(loans, loanLog.repaid(terms, 20n, true));
    expect(of(loans, 5n)).toMatchObject({ hold: "free", phase: "repaid", pledged: false });
    expect(loans.view.loan(loan)?.repaid).toEqual({
      payments: 2,
      principal: 30n,
      interest: 10n,
      prepayment: 2n,
      fee: 4n,
    });
    // Another collateral's token of the same number is nobody's.
    expect(loans.view.loansOfTokens([7n]).get(7n)).toBeUndefined();
  });

  it("is looked up for all tokens at once: more tokens cost no more queries, and a loan is folded once", async () => {
    const loans = openLoans();
    const many = loanOn(
      Array.from({ length: 400 }, (_, i) => BigInt(i + 100)),
      2,
    );
    await mined(loans, loanLog.deposited(terms), loanLog.deposited(many));
    await mined(loans, loanLog.withdrawn(many), loanLog.originated(many));
    const prepare = vi.spyOn(loans.db, "prepare");
    const queries = (token_ids: bigint[]) => {
      prepare.mockClear();
      const found = loans.view.loansOfTokens(token_ids);
      return { found, count: prepare.mock.calls.length };
    };
    const one = queries([5n]);
    const all = queries([5n, 6n, 7n, ...many.collateral_token_ids]);
    expect(all.count).toBe(one.count);
    expect(all.found.size).toBe(402);
    expect(all.found.get(6n)).toMatchObject({ hold: "staged", history: [loan] });
    expect(all.found.get(499n)).toMatchObject({ hold: "pledged", history: [hashOf(many)] });
    expect(all.found.get(100n)?.loan).toBe(all.found.get(499n)?.loan);
    expect(queries([]).found.size).toBe(0);
  });

  it("goes to the liquidator after a breach, and is free when it is sold", async () => {
    const loans = openLoans();
    await mined(loans, loanLog.deposited(terms));
    await mined(loans, loanLog.withdrawn(terms), loanLog.originated(terms), loanLog.breached(terms));
    expect(of(loans, 5n)).toMatchObject({ hold: "pledged", phase: "breached", pledged: true });
    await mined(loans, loanLog.liquidated(terms));
    expect(of(loans, 5n)).toMatchObject({ hold: "liquidated", phase: "liquidated", pledged: true });
    await mined(loans, loanLog.proceeds(terms));
    expect(of(loans, 5n)).toMatchObject({ hold: "free", phase: "sold", pledged: false });
  });

  it("taken back from the timelock is free, and can be staged for another", async () => {
    const loans = openLoans();
    await mined(loans, loanLog.deposited(terms));
    await mined(loans, loanLog.canceled(terms));
    expect(of(loans, 5n)).toMatchObject({ hold: "free", phase: "returned", pledged: false });
    const next = loanOn([5n], 1);
    await mined(loans, loanLog.deposited(next));
    expect(of(loans, 5n)).toMatchObject({
      hold: "staged",
      loan: hashOf(next),
      history: [hashOf(next), loan],
    });
    expect(of(loans, 6n)).toMatchObject({ hold: "free", loan });
    await mined(loans, loanLog.deposited(terms));
    expect(of(loans, 6n)).toMatchObject({ hold: "staged", loan });
  });

  it.each(["refinanced", "refinancedOld"] as const)("moves with its loan when that is %s", async (kind) => {
    const loans = openLoans();
    const next = loanOn([5n, 6n], 1);
    await mined(loans, loanLog.deposited(terms));
    await mined(loans, loanLog.withdrawn(terms), loanLog.originated(terms));
    await mined(loans, loanLog[kind](terms, next));
    expect(of(loans, 5n)).toMatchObject({ hold: "pledged", phase: "active", loan: hashOf(next) });
    expect(loans.view.loan(loan)).toMatchObject({
      phase: "refinanced",
      refinanced_to: hashOf(next),
      is_pledged: false,
    });
    expect(loans.view.loan(hashOf(next))).toMatchObject({ refinanced_from: loan, terms: next });
    await mined(loans, loanLog.repaid(next, 1n, true));
    expect(of(loans, 5n)).toMatchObject({ hold: "free", phase: "repaid" });
  });

  it("of a router before v1.2 is joined by the timelock, its terms by the transaction", async () => {
    const loans = openLoans();
    const originated = loanLog.originatedOld(terms);
    const calldata = encodeFunctionData({
      abi: [
        {
          type: "function",
          name: "originate",
          stateMutability: "nonpayable",
          outputs: [],
          inputs: [
            loanTermsAbi,
            {
              type: "tuple[]",
              components: [
                { name: "depositType", type: "uint8" },
                { name: "data", type: "bytes" },
              ],
            },
            { type: "bytes[]" },
          ],
        },
      ],
      args: [toAbiLoanTerms(terms, "1.1"), [], []],
    });
    loans.chain.setCalldata(originated, calldata);
    await mined(loans, loanLog.deposited(terms));
    await mined(loans, loanLog.withdrawn(terms), originated);
    expect(of(loans, 5n)).toMatchObject({ hold: "pledged", phase: "active" });
    expect(loans.view.loan(loan)?.terms).toEqual(terms);
  });

  it("whose terms are nowhere is still joined by what the router took from the timelock", async () => {
    const loans = openLoans();
    await mined(loans, loanLog.deposited(terms));
    await mined(loans, loanLog.withdrawn(terms), loanLog.originatedOld(terms));
    await mined(loans, loanLog.repaid(terms, 1n, false));
    expect(of(loans, 6n)).toMatchObject({ hold: "pledged", phase: "active" });
    expect(loans.view.loan(loan)?.terms).toBeNull();
    expect(loans.store.learnTerms(terms)).toBe(loan);
    expect(loans.view.loan(loan)?.terms).toEqual(terms);
  });

  it("staged for somebody else than the router is bound, and taken when that one takes it", async () => {
    const loans = openLoans();
    const stranger = testAddress(0x99);
    await mined(loans, loanLog.deposited(terms, stranger));
    expect(of(loans, 5n)).toMatchObject({ hold: "staged" });
    await mined(loans, loanLog.withdrawn(terms, stranger));
    expect(of(loans, 5n)).toMatchObject({ hold: "taken", phase: "taken", pledged: true });
  });

  it("staged under the hash of a loan on other collateral is staged all the same", async () => {
    const loans = openLoans();
    await mined(loans, loanLog.deposited(terms));
    await mined(loans, loanLog.withdrawn(terms), loanLog.originated(terms), loanLog.repaid(terms, 1n, true));
    const stray = loanLog.deposited(loanOn([9n]));
    await mined(loans, { ...stray, topics: [...stray.topics.slice(0, 3), loan] });
    expect(of(loans, 9n)).toMatchObject({ hold: "staged", loan, phase: "repaid", pledged: true });
    expect(of(loans, 5n)).toMatchObject({ hold: "free" });
  });

  it("in another contract's tokens does not count as ours", async () => {
    const loans = openLoans();
    const foreign = { ...terms, collateral_token: testAddress(0xbad) };
    await mined(loans, loanLog.deposited(foreign));
    expect(loans.view.loansOfTokens([5n]).get(5n)).toBeUndefined();
    expect(loans.view.loan(hashOf(foreign))).toMatchObject({ phase: "staged" });
  });
});

describe("the view", () => {
  it("says which phase is confirmed, and which is only the newest", async () => {
    const loans = openLoans({ depth_blocks: 4 });
    await mined(loans, loanLog.deposited(terms));
    expect(loans.view.loan(loan)).toMatchObject({ phase: "staged", confirmed_phase: null });
    loans.chain.mineEmpty(4);
    await mined(loans, loanLog.withdrawn(terms), loanLog.originated(terms));
    expect(loans.view.loan(loan)).toMatchObject({ phase: "active", confirmed_phase: "staged" });
    loans.chain.mineEmpty(4);
    await loans.follow();
    expect(loans.view.loan(loan)).toMatchObject({ phase: "active", confirmed_phase: "active" });
  });

  it("pages through loans by their hashes", async () => {
    const loans = openLoans();
    const all = [1, 2, 3, 4, 5].map((salt) => loanOn([BigInt(salt)], salt));
    await mined(loans, ...all.map((each) => loanLog.deposited(each)));
    const hashes = all.map(hashOf).sort();
    const first = loans.view.loans({ after: null, limit: 3 });
    expect(first.map((each) => each.loan)).toEqual(hashes.slice(0, 3));
    expect(loans.view.loans({ after: first[2]!.loan, limit: 3 }).map((each) => each.loan)).toEqual(
      hashes.slice(3),
    );
  });

  it("has the router's own state, anew after each log, and what is due by it", async () => {
    const loans = openLoans();
    await mined(loans, loanLog.deposited(terms));
    expect(loans.view.loan(loan)?.chain_state).toBeNull();
    const origin_s = 1_768_435_200;
    const start = originationState(terms, origin_s, 6);
    loans.chain.setState(loan, start);
    await mined(loans, loanLog.withdrawn(terms), loanLog.originated(terms));
    expect(loans.view.loan(loan)?.chain_state).toEqual({ ...start, block_number: 2, decimals: 6 });
    const schedule = loanSchedule(terms, start, testMarket);
    const due = loanDue(loans.view.loan(loan)!, origin_s, testModels);
    expect(due?.schedule).toEqual(schedule);
    expect(due?.now).toMatchObject({ principal: schedule[0]!.principal, interest: schedule[0]!.interest });
    const paid = { ...start, repayment_count: 1, scaled_balance: schedule[0]!.scaled_balance_after };
    loans.chain.setState(loan, paid);
    // Not asked again before there is a reason.
    await mined(loans);
    expect(loans.view.loan(loan)?.chain_state).toMatchObject({ block_number: 2, repayment_count: 0 });
    await mined(loans, loanLog.repaid(terms, 1n, false));
    expect(loans.view.loan(loan)?.chain_state).toMatchObject({ block_number: 4, repayment_count: 1 });
    expect(loanDue(loans.view.loan(loan)!, origin_s, testModels)?.schedule).toEqual(schedule.slice(1));
  });

  it("knows nothing due where it does not know enough", async () => {
    const loans = openLoans();
    await mined(loans, loanLog.deposited(terms));
    expect(loanDue(loans.view.loan(loan)!, 0, testModels)).toBeNull();
  });

  it("tells events that this version has never heard of", async () => {
    const loans = openLoans();
    const strange = { ...loanLog.breached(terms), address: testSettings.timelock };
    await mined(loans, strange, strange);
    expect(loans.view.status().unknown_events).toEqual([
      { address: testSettings.timelock, selector: strange.topics[0], count: 2, last_block: 1 },
    ]);
  });

  it("refuses to be decided by before the chain was read to its end, and when that is long ago", async () => {
    const loans = openLoans();
    const refused = expect.objectContaining({ code: "LOANS_NOT_CURRENT", disposition: "retryable" });
    expect(() => loans.view.assertCurrent(60_000)).toThrow(refused);
    await mined(loans);
    loans.view.assertCurrent(60_000);
    loans.clock.now_ms += 60_001;
    expect(() => loans.view.assertCurrent(60_000)).toThrow(refused);
  });

  it("has a form in JSON, with every bigint a decimal string", async () => {
    const loans = openLoans();
    await mined(loans, loanLog.deposited(terms));
    await mined(loans, loanLog.withdrawn(terms), loanLog.originated(terms));
    const json = loanJson(loans.view.loan(loan));
    expect(JSON.parse(JSON.stringify(json))).toEqual(json);
    expect(json).toMatchObject({
      phase: "active",
      terms: { tranches: [{ amount: "1000000000000" }], collateral_token_ids: ["5", "6"] },
      chain_state: { scaled_balance: "1" },
    });
    expect(() => loanJson({ at: Number.NaN })).toThrow(TypeError);
  });
});
