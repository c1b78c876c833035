import fc from "fast-check";
import type { Address, Hex } from "viem";
import { feeKinds, type LoanTerms } from "../loanTerms/loanTerms.js";
import { encodeAbsoluteFee, encodeRatioFee } from "../schedule/feeOptions.js";
import { encodeInterestOptions } from "../schedule/interestOptions.js";
import { absoluteModel, amortizedModel, ratioModel, simpleModel } from "./testTerms.js";

const hex = (bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Hex> =>
  bytes.map((value) => `0x${Buffer.from(value).toString("hex")}` as Hex);
const address = hex(fc.uint8Array({ minLength: 20, maxLength: 20 })) as fc.Arbitrary<Address>;

const fee = fc
  .record({ kind: fc.constantFrom(...feeKinds), recipient: address })
  .chain(({ kind, recipient }) =>
    fc.oneof(
      fc
        .record({ of: fc.constantFrom("balance", "amount"), rate: fc.bigInt(0n, 10n ** 17n) } as const)
        .map((ratio) => ({ kind, recipient, model: ratioModel, options: encodeRatioFee(ratio) })),
      fc
        .bigInt(0n, 10n ** 9n)
        .map((amount) => ({ kind, recipient, model: absoluteModel, options: encodeAbsoluteFee(amount) })),
    ),
  );

/** Terms as a router would take them: every calendar, up to 30 % a year, up to 10^12 units a tranche. */
export const arbitraryTerms: fc.Arbitrary<LoanTerms> = fc.record({
  expiration_s: fc.constant(4_000_000_000n),
  borrower: address,
  currency_token: address,
  collateral_token: address,
  repayment: fc.record({
    total_duration_days: fc.integer({ min: 1, max: 1_500 }),
    day: fc.integer({ min: 1, max: 31 }),
    timezone_offset_s: fc.integer({ min: -43_200, max: 50_400 }),
  }),
  interest: fc.record({
    model: fc.constantFrom(simpleModel, amortizedModel),
    options: fc
      .record({
        stub_pays_principal: fc.boolean(),
        grace_period_s: fc.bigInt(0n, 2_592_000n),
        grace_rate: fc.bigInt(0n, 10_000_000_000n),
      })
      .map(encodeInterestOptions),
  }),
  collateral_token_ids: fc.array(fc.bigInt(0n, 2n ** 256n - 1n), { minLength: 1, maxLength: 5 }),
  tranches: fc.array(
    fc.record({
      lender: address,
      amount: fc.bigInt(1_000n, 10n ** 12n),
      rate: fc.bigInt(1n, 9_512_937_595n),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  fees: fc.array(fee, { maxLength: 3 }),
  approval_addresses: fc.array(address, { maxLength: 2 }),
  options: hex(fc.uint8Array({ maxLength: 70 })),
});

/** 2024 to 2033, any second. */
export const arbitraryOrigination: fc.Arbitrary<number> = fc.integer({
  min: 1_704_067_200,
  max: 2_019_686_399,
});
