import { describe, expect, it } from "vitest";
import { loanTermsHash } from "../credit/loanTerms/loanTermsHash.js";
import { testAddress, testTerms } from "../credit/testing/testTerms.js";
import { type Json, loanJson } from "../loans/loanJson.js";
import { parseLoanTerms } from "./parseLoanTerms.js";

const terms = testTerms({
  fees: [{ kind: "exit", recipient: testAddress(4), model: testAddress(5), options: "0x01" }],
  approval_addresses: [testAddress(0xabc)],
});
const json = () => loanJson(terms) as { [key: string]: Json };

describe("loan terms out of JSON", () => {
  it("are those that the API gave", () => {
    expect(parseLoanTerms(json())).toEqual(terms);
    expect(parseLoanTerms(JSON.parse(JSON.stringify(json()).replaceAll("abc", "ABC")))).toEqual(terms);
    expect(loanTermsHash(parseLoanTerms(json()), 1)).toBe(loanTermsHash(terms, 1));
  });

  it("are refused with the place of what is wrong", () => {
    const cases: [Json, string][] = [
      [null, "terms must be object"],
      [{ ...json(), borrower: "0x12" }, "terms.borrower"],
      [{ ...json(), expiration_s: 12 }, "terms.expiration_s"],
      [{ ...json(), collateral_token_ids: [] }, "terms.collateral_token_ids"],
      [{ ...json(), collateral_token_ids: ["01"] }, "terms.collateral_token_ids.0"],
      [{ ...json(), options: "0x1" }, "terms.options"],
      [{ ...json(), more: 1 }, "terms must NOT have additional properties"],
    ];
    const { options: _, ...rest } = json();
    for (const [value, message] of [...cases, [rest, "must have required property 'options'"] as const]) {
      expect(() => parseLoanTerms(value)).toThrow(
        expect.objectContaining({ code: "LOAN_TERMS_JSON", message: expect.stringContaining(message) }),
      );
    }
  });
});
