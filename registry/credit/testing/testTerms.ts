import type { Address } from "viem";
import type { LoanTerms } from "../loanTerms/loanTerms.js";
import type { LoanMarket } from "../schedule/feesOf.js";
import { encodeInterestOptions } from "../schedule/interestOptions.js";
import type { LoanModels } from "../schedule/loanModels.js";

export const testAddress = (n: number): Address => `0x${n.toString(16).padStart(40, "0")}`;

export const simpleModel = testAddress(0xa1);
export const amortizedModel = testAddress(0xa2);
export const ratioModel = testAddress(0xb1);
export const absoluteModel = testAddress(0xb2);

export const testModels: LoanModels = {
  interest: new Map([
    [simpleModel, "simple-2.0"],
    [amortizedModel, "amortized-2.0"],
  ] as const),
  fee: new Map([
    [ratioModel, "ratio-1.0"],
    [absoluteModel, "absolute-1.0"],
  ] as const),
};

export const testMarket: LoanMarket = { decimals: 6, models: testModels };

/** A year on the 15th in UTC, one million at 10 % a year, a week's grace. */
export function testTerms(changes: Partial<LoanTerms> = {}): LoanTerms {
  return {
    expiration_s: 2_000_000_000n,
    borrower: testAddress(1),
    currency_token: testAddress(2),
    collateral_token: testAddress(3),
    repayment: { total_duration_days: 360, day: 15, timezone_offset_s: 0 },
    interest: {
      model: amortizedModel,
      options: encodeInterestOptions({
        stub_pays_principal: false,
        grace_period_s: 604_800n,
        grace_rate: 1_585_489_599n,
      }),
    },
    collateral_token_ids: [1n, 2n],
    tranches: [{ lender: testAddress(4), amount: 1_000_000_000_000n, rate: 3_170_979_198n }],
    fees: [],
    approval_addresses: [],
    options: "0x",
    ...changes,
  };
}

/** Seconds of a UTC date; `month` 1 to 12. */
export const utc = (year: number, month: number, day: number, hour = 0): number =>
  Date.UTC(year, month - 1, day, hour) / 1000;
