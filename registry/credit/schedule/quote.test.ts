import { readFileSync } from "node:fs";
import type { Address, Hex } from "viem";
import { describe, expect, it } from "vitest";
import { decodeLoanTerms } from "../loanTerms/decodeLoanTerms.js";
import { encodeLoanTerms } from "../loanTerms/encodeLoanTerms.js";
import type { LoanTerms } from "../loanTerms/loanTerms.js";
import { loanTermsHash } from "../loanTerms/loanTermsHash.js";
import {
  absoluteModel,
  amortizedModel,
  ratioModel,
  simpleModel,
  testAddress,
  testMarket,
  testTerms,
  utc,
} from "../testing/testTerms.js";
import { deadlinesOf } from "./deadlinesOf.js";
import { encodeAbsoluteFee, encodeRatioFee } from "./feeOptions.js";
import type { LoanMarket } from "./feesOf.js";
import { gracePeriodEnd } from "./gracePeriodEnd.js";
import { encodeInterestOptions } from "./interestOptions.js";
import type { FeeModel, InterestModel } from "./loanModels.js";
import type { LoanState, LoanStatus } from "./loanState.js";
import { originationState } from "./originationState.js";
import { quote } from "./quote.js";
import { repaymentOf } from "./repaymentOf.js";

type Vectors = {
  chain_id: number;
  models: Record<Address, InterestModel | FeeModel>;
  cases: {
    encoded: Hex;
    hash: Hex;
    decimals: number;
    state: { status: LoanStatus; repayment_count: number; origination_s: number; scaled_balance: string };
    at_s: number;
    has_stub: boolean;
    deadlines_s: number[];
    model: InterestModel;
    principal: string;
    interest: string;
    tranche_principals: string[];
    tranche_interests: string[];
    grace_end_s: string;
    quote: { principal: string; interest: string; fee: string };
  }[];
};

const vectors = JSON.parse(
  readFileSync(new URL("../../../fixtures/loans/loan-router.json", import.meta.url), "utf8"),
) as Vectors;

const isInterest = (model: InterestModel | FeeModel): model is InterestModel =>
  model === "simple-2.0" || model === "amortized-2.0";

function vectorMarket(decimals: number): LoanMarket {
  const interest = new Map<Address, InterestModel>();
  const fee = new Map<Address, FeeModel>();
  for (const [address, model] of Object.entries(vectors.models) as [Address, InterestModel | FeeModel][]) {
    if (isInterest(model)) interest.set(address, model);
    else fee.set(address, model);
  }
  return { decimals, models: { interest, fee } };
}

describe("the published contracts' own figures", () => {
  it("are many and of every sort", () => {
    expect(vectors.cases.length).toBeGreaterThanOrEqual(30);
    expect(new Set(vectors.cases.map(({ model }) => model)).size).toBe(2);
    expect(new Set(vectors.cases.map(({ decimals }) => decimals)).size).toBe(3);
    expect(
      vectors.cases.some(({ at_s, state, deadlines_s }) => at_s > deadlines_s[state.repayment_count]!),
    ).toBe(true);
    expect(
      vectors.cases.some(({ quote: { principal, interest } }) => principal === "0" && interest !== "0"),
    ).toBe(true);
    expect(vectors.cases.some(({ quote: { fee } }) => fee !== "0")).toBe(true);
  });

  it.each(vectors.cases.map((vector, i) => [i, vector] as const))("case %i", (_, vector) => {
    const terms = decodeLoanTerms(vector.encoded, "1.1");
    expect(encodeLoanTerms(terms, "1.1")).toBe(vector.encoded);
    expect(loanTermsHash(terms, vectors.chain_id)).toBe(vector.hash);
    const state: LoanState = { ...vector.state, scaled_balance: BigInt(vector.state.scaled_balance) };
    expect(deadlinesOf(terms.repayment, state.origination_s)).toEqual({
      has_stub: vector.has_stub,
      deadlines_s: vector.deadlines_s,
    });
    expect(repaymentOf(terms, state, vector.at_s, vector.model)).toMatchObject({
      scaled_principal: BigInt(vector.principal),
      scaled_interest: BigInt(vector.interest),
      scaled_tranche_principals: vector.tranche_principals.map(BigInt),
      scaled_tranche_interests: vector.tranche_interests.map(BigInt),
    });
    expect(gracePeriodEnd(terms, state)).toBe(BigInt(vector.grace_end_s));
    const { principal, interest, fee } = vector.quote;
    expect(quote(terms, state, vector.at_s, vectorMarket(vector.decimals))).toEqual({
      principal: BigInt(principal),
      interest: BigInt(interest),
      fee: BigInt(fee),
    });
  });
});

const options = (changes: Partial<Parameters<typeof encodeInterestOptions>[0]> = {}): Hex =>
  encodeInterestOptions({ stub_pays_principal: false, grace_period_s: 0n, grace_rate: 0n, ...changes });
const on = (model: Address, changes: Parameters<typeof options>[0] = {}): Partial<LoanTerms> => ({
  interest: { model, options: options(changes) },
});
/** 12 windows without a stub. */
const origin_s = utc(2026, 1, 15);
const states = (terms: LoanTerms, changes: Partial<LoanState> = {}): LoanState => ({
  ...originationState(terms, origin_s, 6),
  ...changes,
});

describe("a quote", () => {
  it("of the simple model is balance over the windows left, and interest on the whole balance, rounded up", () => {
    const terms = testTerms(on(simpleModel));
    const first = quote(terms, states(terms), origin_s, testMarket);
    // 1,000,000.000000 / 12 = 83,333.333333.3..., rounded up to the unit.
    expect(first.principal).toBe(83_333_333_334n);
    // 10^12 × 3170979198e-18 × 31 days
    expect(first.interest).toBe((10n ** 12n * 3_170_979_198n * 2_678_400n + 10n ** 18n - 1n) / 10n ** 18n);
    expect(first.fee).toBe(0n);
  });

  it("of a stub is interest alone unless the terms say otherwise, and a loan of one window pays all in it", () => {
    const spec = testTerms().repayment;
    const stub_s = utc(2026, 1, 10);
    for (const model of [simpleModel, amortizedModel]) {
      const plain = testTerms(on(model));
      const state = originationState(plain, stub_s, 6);
      expect(quote(plain, state, stub_s, testMarket)).toMatchObject({ principal: 0n });
      expect(quote(plain, state, stub_s, testMarket).interest).toBeGreaterThan(0n);
      const flagged = testTerms(on(model, { stub_pays_principal: true }));
      expect(quote(flagged, state, stub_s, testMarket).principal).toBeGreaterThan(0n);
      const short = testTerms({ ...on(model), repayment: { ...spec, total_duration_days: 1 } });
      expect(quote(short, state, stub_s, testMarket).principal).toBe(10n ** 12n);
    }
  });

  it("after the deadline adds the grace rate for each second late, up to the grace period", () => {
    const terms = testTerms(on(simpleModel, { grace_period_s: 1_000n, grace_rate: 10n ** 12n }));
    const state = states(terms);
    const due_s = utc(2026, 2, 15);
    const at = (at_s: number): bigint => quote(terms, state, at_s, testMarket).interest;
    // 10^12 units at 10^12 / 10^18 a second: 10^6 units a second.
    const base = at(due_s);
    const inTime = at(due_s - 86_400);
    expect(inTime).toBe(base);
    const late = (seconds: number): bigint => at(due_s + seconds) - base;
    expect(late(500)).toBe(500_000_000n);
    expect(late(1_000)).toBe(1_000_000_000n);
    expect(late(90_000)).toBe(1_000_000_000n);
    expect(gracePeriodEnd(terms, state)).toBe(BigInt(due_s + 1_000));
  });

  it("is nothing once the window is paid, until its deadline has passed", () => {
    const terms = testTerms(on(simpleModel));
    const state = states(terms, { repayment_count: 1 });
    const due_s = utc(2026, 2, 15);
    expect(quote(terms, state, due_s, testMarket)).toEqual({ principal: 0n, interest: 0n, fee: 0n });
    expect(quote(terms, state, due_s + 1, testMarket).principal).toBeGreaterThan(0n);
  });

  it.each(["uninitialized", "repaid", "breached", "liquidated", "collateral_liquidated"] as const)(
    "of a loan that is %s is nothing",
    (status) => {
      const terms = testTerms(on(simpleModel));
      expect(quote(terms, states(terms, { status }), origin_s, testMarket)).toEqual({
        principal: 0n,
        interest: 0n,
        fee: 0n,
      });
    },
  );

  it("holds every repayment fee, and the exit fee with the last payment", () => {
    const fee = { recipient: testAddress(8) };
    const fees: LoanTerms["fees"] = [
      { ...fee, kind: "repayment", model: absoluteModel, options: encodeAbsoluteFee(7n) },
      {
        ...fee,
        kind: "repayment",
        model: ratioModel,
        options: encodeRatioFee({ of: "balance", rate: 10n ** 15n }),
      },
      {
        ...fee,
        kind: "exit",
        model: ratioModel,
        options: encodeRatioFee({ of: "amount", rate: 10n ** 16n }),
      },
      { ...fee, kind: "origination", model: absoluteModel, options: encodeAbsoluteFee(10n ** 9n) },
    ];
    const terms = testTerms({ ...on(simpleModel), fees });
    expect(quote(terms, states(terms), origin_s, testMarket).fee).toBe(7n + 10n ** 9n);
    const last = states(terms, { repayment_count: 11, scaled_balance: 10n ** 20n });
    // 0.1 % of the 100 left, and 1 % of the million lent.
    expect(quote(terms, last, utc(2027, 1, 1), testMarket).fee).toBe(7n + 100_000n + 10n ** 10n);
  });

  it("is refused where the contract reverts, or its arithmetic is not known", () => {
    const terms = testTerms(on(simpleModel));
    const code = (changed: LoanTerms, state: LoanState, decimals = 6): unknown => {
      try {
        return quote(changed, state, utc(2026, 2, 1), { ...testMarket, decimals });
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    expect(code(terms, states(terms, { repayment_count: 13 }))).toBe("SCHEDULE_ENDED");
    expect(code(terms, states(terms, { scaled_balance: 2n ** 255n }))).toBe("SCHEDULE_OVERFLOW");
    expect(code(testTerms({ tranches: [] }), states(terms))).toBe("SCHEDULE_DIVISION");
    expect(code(testTerms(on(testAddress(0xee))), states(terms))).toBe("MODEL_UNKNOWN");
    expect(code(terms, states(terms), 19)).toBe("CURRENCY_DECIMALS");
    const dirty = `0x${"0".repeat(63)}2${"0".repeat(128)}` as const;
    const withOptions = (bytes: Hex) => testTerms({ interest: { model: simpleModel, options: bytes } });
    expect(code(withOptions(dirty), states(terms))).toBe("MODEL_OPTIONS");
    expect(code(withOptions("0x"), states(terms))).toBe("MODEL_OPTIONS");
    // uint64 with a bit too many
    const wide: Hex = `0x${"0".repeat(64)}${"1".padStart(48, "0")}${"0".repeat(16)}${"0".repeat(64)}`;
    expect(code(withOptions(wide), states(terms))).toBe("MODEL_OPTIONS");
    const badFee = (model: Address, bytes: Hex) =>
      testTerms({
        ...on(simpleModel),
        fees: [{ kind: "repayment", recipient: testAddress(8), model, options: bytes }],
      });
    expect(code(badFee(testAddress(0xee), "0x"), states(terms))).toBe("MODEL_UNKNOWN");
    expect(code(badFee(absoluteModel, "0x"), states(terms))).toBe("MODEL_OPTIONS");
    const mode2: Hex = `0x${"2".padStart(64, "0")}${"1".padStart(64, "0")}`;
    expect(code(badFee(ratioModel, mode2), states(terms))).toBe("MODEL_OPTIONS");
  });
});
