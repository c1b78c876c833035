import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { feesFor } from "./feesFor.js";

const gwei = 1_000_000_000n;

describe("feesFor", () => {
  it("pays twice the base fee and the tip", () => {
    expect(
      feesFor({ base_fee_wei: 10n * gwei, tip_wei: gwei, cap_wei: 100n * gwei, replaces: null }),
    ).toEqual({
      max_fee_wei: 21n * gwei,
      max_priority_fee_wei: gwei,
    });
  });

  it("stays under the cap, tip included", () => {
    expect(feesFor({ base_fee_wei: 60n, tip_wei: 200n, cap_wei: 100n, replaces: null })).toEqual({
      max_fee_wei: 100n,
      max_priority_fee_wei: 100n,
    });
  });

  it("refuses a base fee or a replacement past the cap", () => {
    const overCap = expect.objectContaining({ code: "CHAIN_FEE_CAP", disposition: "retryable" });
    expect(() => feesFor({ base_fee_wei: 101n, tip_wei: 0n, cap_wei: 100n, replaces: null })).toThrow(
      overCap,
    );
    const replaces = { max_fee_wei: 90n, max_priority_fee_wei: 1n };
    expect(() => feesFor({ base_fee_wei: 1n, tip_wei: 0n, cap_wei: 100n, replaces })).toThrow(overCap);
  });

  it("always replaces at a tenth more at the least, and never offers a tip above the fee", () => {
    const wei = fc.bigInt(0n, 10n ** 12n);
    fc.assert(
      fc.property(wei, wei, wei, wei, (base_fee_wei, tip_wei, fee, tip) => {
        const replaces = { max_fee_wei: fee + tip, max_priority_fee_wei: tip };
        const fees = feesFor({ base_fee_wei, tip_wei, cap_wei: 10n ** 18n, replaces });
        expect(fees.max_fee_wei * 10n).toBeGreaterThanOrEqual(replaces.max_fee_wei * 11n);
        expect(fees.max_priority_fee_wei * 10n).toBeGreaterThanOrEqual(replaces.max_priority_fee_wei * 11n);
        expect(fees.max_priority_fee_wei).toBeLessThanOrEqual(fees.max_fee_wei);
      }),
    );
  });
});
