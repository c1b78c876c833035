import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { principalOf } from "../loanTerms/principalOf.js";
import { arbitraryOrigination, arbitraryTerms } from "../testing/arbitraryTerms.js";
import { amortizedModel, testMarket, testTerms, utc } from "../testing/testTerms.js";
import { deadlinesOf } from "./deadlinesOf.js";
import { decodeInterestOptions } from "./interestOptions.js";
import { loanSchedule } from "./loanSchedule.js";
import type { LoanState } from "./loanState.js";
import { originationState } from "./originationState.js";
import { quote } from "./quote.js";
import { settlePayment } from "./settlePayment.js";

const decimals = fc.constantFrom(6, 8, 18);
const sum = (values: bigint[]): bigint => values.reduce((all, value) => all + value, 0n);

describe("a loan's schedule", () => {
  it("repays exactly the principal, with nothing negative, on ascending dates, tranche by tranche", () => {
    fc.assert(
      fc.property(arbitraryTerms, arbitraryOrigination, decimals, (terms, origination_s, places) => {
        const market = { ...testMarket, decimals: places };
        const state = originationState(terms, origination_s, places);
        const rows = loanSchedule(terms, state, market);
        const { has_stub, deadlines_s } = deadlinesOf(terms.repayment, origination_s);
        expect(rows.map(({ due_s }) => due_s)).toEqual(deadlines_s.slice(0, rows.length));
        const principals = rows.map((row) => row.scaled_balance_before - row.scaled_balance_after);
        expect(sum(principals)).toBe(state.scaled_balance);
        expect(rows.at(-1)?.scaled_balance_after).toBe(0n);
        for (const [i, row] of rows.entries()) {
          expect(principals[i]! >= 0n && row.interest >= 0n && row.fee >= 0n).toBe(true);
          expect(sum(row.scaled_tranche_principals)).toBe(principals[i]);
          for (const part of [...row.scaled_tranche_principals, ...row.scaled_tranche_interests]) {
            expect(part >= 0n).toBe(true);
          }
        }
        const isInterestOnly =
          has_stub &&
          deadlines_s.length > 1 &&
          !decodeInterestOptions(terms.interest.options).stub_pays_principal;
        if (isInterestOnly) expect(principals[0]).toBe(0n);
        // Whoever pays what is quoted gives back at least what was lent, and by less than a unit a payment too much.
        const paid = sum(rows.map(({ principal }) => principal));
        expect(paid >= principalOf(terms)).toBe(true);
        expect(paid <= principalOf(terms) + BigInt(rows.length)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it("is what a borrower that pays each quote on its date goes through", () => {
    fc.assert(
      fc.property(arbitraryTerms, arbitraryOrigination, (terms, origination_s) => {
        const start = originationState(terms, origination_s, 6);
        let state: LoanState = start;
        for (const row of loanSchedule(terms, start, testMarket)) {
          expect(state.repayment_count).toBe(row.index);
          // The quote rounds three parts up, the payment their sum: a unit over each part always covers it.
          const due = quote(terms, state, row.due_s, testMarket);
          const settled = settlePayment(
            terms,
            state,
            due.principal + due.interest + due.fee,
            row.due_s,
            testMarket,
          );
          // What rounding left over is prepaid: less than three units.
          expect(settled.scaled_prepayment < 3n * 10n ** 12n).toBe(true);
          expect(settled.state.scaled_balance).toBe(row.scaled_balance_after - settled.scaled_prepayment);
          state = { ...settled.state, scaled_balance: row.scaled_balance_after };
        }
        expect(state.scaled_balance).toBe(0n);
      }),
      { numRuns: 100 },
    );
  });

  it("of the amortized model is level: no two whole windows' payments differ by a unit", () => {
    const terms = testTerms({ interest: { model: amortizedModel, options: testTerms().interest.options } });
    const rows = loanSchedule(terms, originationState(terms, utc(2026, 1, 15), 6), testMarket);
    const totals = rows.map(({ principal, interest }) => principal + interest);
    expect(rows).toHaveLength(12);
    for (const total of totals) {
      const off = total - totals[0]!;
      expect(off >= -2n && off <= 2n).toBe(true);
    }
  });

  it("goes on from a state in the middle, and is empty for a loan that is over", () => {
    const terms = testTerms();
    const start = originationState(terms, utc(2026, 1, 15), 6);
    const rows = loanSchedule(terms, start, testMarket);
    const middle: LoanState = {
      ...start,
      repayment_count: 5,
      scaled_balance: rows[5]!.scaled_balance_before,
    };
    expect(loanSchedule(terms, middle, testMarket)).toEqual(rows.slice(5));
    expect(loanSchedule(terms, { ...start, status: "repaid" }, testMarket)).toEqual([]);
    expect(loanSchedule(terms, { ...start, status: "breached" }, testMarket)).toEqual([]);
  });
});

describe("a payment", () => {
  const terms = testTerms();
  const start = originationState(terms, utc(2026, 1, 15), 6);
  const due_s = utc(2026, 2, 15);
  const due = quote(terms, start, due_s, testMarket);

  it("beyond what is due is prepaid, and in a paid window all of it is", () => {
    const more = settlePayment(terms, start, due.principal + due.interest + 5_000_000n, due_s, testMarket);
    expect(more.state.repayment_count).toBe(1);
    expect(more.scaled_prepayment / 10n ** 12n).toBeGreaterThanOrEqual(5_000_000n);
    const again = settlePayment(terms, more.state, 1_000_000n, due_s, testMarket);
    expect(again).toMatchObject({ scaled_principal: 0n, scaled_interest: 0n, scaled_prepayment: 10n ** 18n });
    expect(again.state.repayment_count).toBe(1);
  });

  it("of the whole balance closes the loan and takes no more than is owed", () => {
    const all = settlePayment(terms, start, 10n ** 13n, due_s, testMarket);
    expect(all.state).toMatchObject({ status: "repaid", scaled_balance: 0n });
    expect(all.taken).toBe(10n ** 12n + due.interest);
  });

  it("below what is due, or on a loan that is not active, is refused", () => {
    const refused = (state: LoanState, amount: bigint) =>
      expect(() => settlePayment(terms, state, amount, due_s, testMarket)).toThrow(
        expect.objectContaining({ code: "PAYMENT_REFUSED" }),
      );
    refused(start, due.principal + due.interest - 2n);
    refused(start, 0n);
    refused({ ...start, status: "breached" }, 10n ** 13n);
  });
});
