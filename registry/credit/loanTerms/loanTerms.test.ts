import fc from "fast-check";
import { encodeFunctionData, type Hex, keccak256, parseAbi, toHex, zeroAddress } from "viem";
import { describe, expect, it } from "vitest";
import { CaliberError } from "../../../protocol/errors.js";
import { arbitraryTerms } from "../testing/arbitraryTerms.js";
import { testAddress, testTerms, utc } from "../testing/testTerms.js";
import { toAbiLoanTerms } from "./abiLoanTerms.js";
import { checkLoanTerms } from "./checkLoanTerms.js";
import { decodeLoanTerms } from "./decodeLoanTerms.js";
import { depositTokenId } from "./depositTokenId.js";
import { encodeLoanTerms } from "./encodeLoanTerms.js";
import { findLoanTerms } from "./findLoanTerms.js";
import { lenderTokenId } from "./lenderTokenId.js";
import type { LoanTerms } from "./loanTerms.js";
import { loanTermsAbi } from "./loanTermsAbi.js";
import { loanTermsHash } from "./loanTermsHash.js";

const code = (run: () => unknown): string | undefined => {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof CaliberError) return error.code;
    throw error;
  }
};

/** Overwrites one 32-byte word. */
const withWord = (bytes: Hex, word: number, value: string): Hex =>
  `0x${bytes.slice(2, 2 + word * 64)}${value.padStart(64, "0")}${bytes.slice(2 + (word + 1) * 64)}`;

const originateAbi = [
  {
    type: "function",
    name: "originate",
    stateMutability: "nonpayable",
    outputs: [{ type: "uint256" }],
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
] as const;

const originateData = (terms: LoanTerms): Hex =>
  encodeFunctionData({
    abi: originateAbi,
    args: [toAbiLoanTerms(terms, "1.2"), [{ depositType: 1, data: "0x" }], ["0x1234"]],
  });

describe("loan terms", () => {
  it("come back from their encoding, with the same hash", () => {
    fc.assert(
      fc.property(arbitraryTerms, (terms) => {
        const decoded = decodeLoanTerms(encodeLoanTerms(terms, "1.2"), "1.2");
        expect(decoded).toEqual(terms);
        expect(loanTermsHash(decoded, 42_161)).toBe(loanTermsHash(terms, 42_161));
      }),
      { numRuns: 200 },
    );
  });

  it("are named by a hash over chain id and encoding, which any change changes", () => {
    const terms = testTerms();
    const encoded = encodeLoanTerms(terms, "1.2");
    // abi.encode(uint256, tuple): the tuple's offset moves from 0x20 to 0x40 behind the chain id.
    const preimage =
      `${toHex(42_161, { size: 32 })}${toHex(64, { size: 32 }).slice(2)}${encoded.slice(66)}` as Hex;
    expect(loanTermsHash(terms, 42_161)).toBe(keccak256(preimage));
    const others = [
      loanTermsHash(terms, 1),
      loanTermsHash(testTerms({ collateral_token_ids: [2n, 1n] }), 42_161),
      loanTermsHash(testTerms({ options: "0x00" }), 42_161),
      loanTermsHash(testTerms({ expiration_s: 2_000_000_001n }), 42_161),
    ];
    expect(new Set([...others, loanTermsHash(terms, 42_161)]).size).toBe(5);
  });

  it("with a refinance fee are v1.2's alone", () => {
    const terms = testTerms({
      fees: [{ kind: "refinance", recipient: zeroAddress, model: testAddress(9), options: "0x" }],
    });
    expect(code(() => encodeLoanTerms(terms, "1.1"))).toBe("LOAN_TERMS_FEE_KIND");
    const encoded = encodeLoanTerms(terms, "1.2");
    expect(code(() => decodeLoanTerms(encoded, "1.1"))).toBe("LOAN_TERMS_FEE_KIND");
    expect(decodeLoanTerms(encoded, "1.2")).toEqual(terms);
  });

  it("that are damaged are refused with a code, whatever byte is hit", () => {
    const encoded = encodeLoanTerms(testTerms({ options: "0x1234" }), "1.2");
    fc.assert(
      fc.property(fc.nat((encoded.length - 4) / 2), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = Buffer.from(encoded.slice(2), "hex");
        bytes[at] = bytes[at]! ^ flip;
        const damaged: Hex = `0x${bytes.toString("hex")}`;
        const refused = code(() => decodeLoanTerms(damaged, "1.2"));
        // A byte of a value gives other terms, never the same ones.
        if (refused === undefined) {
          const terms = decodeLoanTerms(damaged, "1.2");
          expect(loanTermsHash(terms, 1)).not.toBe(loanTermsHash(testTerms({ options: "0x1234" }), 1));
        } else expect(refused).toMatch(/^LOAN_TERMS_/);
      }),
      { numRuns: 500 },
    );
  });

  it("are refused when cut, padded, or with stray high bits", () => {
    const encoded = encodeLoanTerms(testTerms(), "1.2");
    expect(code(() => decodeLoanTerms(encoded.slice(0, -64) as Hex, "1.2"))).toBe("LOAN_TERMS_MALFORMED");
    expect(code(() => decodeLoanTerms(`${encoded}00`, "1.2"))).toBe("LOAN_TERMS_NOT_CANONICAL");
    expect(code(() => decodeLoanTerms("0x", "1.2"))).toBe("LOAN_TERMS_MALFORMED");
    // Word 2 is the borrower, 6 the day of the month.
    const dirtyAddress = withWord(encoded, 2, `1${"0".repeat(39)}1`);
    expect(decodeLoanTerms(withWord(encoded, 2, "1"), "1.2").borrower).toBe(testAddress(1));
    expect(code(() => decodeLoanTerms(dirtyAddress, "1.2"))).not.toBe(undefined);
    expect(code(() => decodeLoanTerms(withWord(encoded, 6, "10f"), "1.2"))).toBe("LOAN_TERMS_MALFORMED");
  });

  it("with values that their field cannot hold are not encoded", () => {
    const spec = testTerms().repayment;
    for (const terms of [
      testTerms({ repayment: { ...spec, day: 256 } }),
      testTerms({ repayment: { ...spec, total_duration_days: -1 } }),
      testTerms({ expiration_s: 2n ** 64n }),
    ]) {
      expect(code(() => encodeLoanTerms(terms, "1.2"))).toBe("LOAN_TERMS_MALFORMED");
      expect(code(() => loanTermsHash(terms, 1))).toBe("LOAN_TERMS_MALFORMED");
    }
  });

  it("are found in the calldata that originated them, also inside a multisig's call", () => {
    const terms = testTerms();
    const loan = loanTermsHash(terms, 42_161);
    const direct = originateData(terms);
    expect(findLoanTerms(direct, loan, 42_161)).toEqual(terms);
    const nested = encodeFunctionData({
      abi: parseAbi(["function execTransaction(address to, uint256 value, bytes data)"]),
      args: [testAddress(7), 0n, direct],
    });
    expect(findLoanTerms(nested, loan, 42_161)).toEqual(terms);
    // A decoy before it, and terms of another loan.
    expect(findLoanTerms(`0x956bf8c4${nested.slice(2)}`, loan, 42_161)).toEqual(terms);
    expect(findLoanTerms(originateData(testTerms({ options: "0x01" })), loan, 42_161)).toBeNull();
    expect(findLoanTerms(direct, loan, 1)).toBeNull();
    expect(findLoanTerms("0x", loan, 42_161)).toBeNull();
  });

  it("are held to the router's own limits, by its reasons", () => {
    const at_s = utc(2026, 3, 1);
    const spec = testTerms().repayment;
    const [tranche] = testTerms().tranches;
    const reason = (changes: Partial<LoanTerms>): string | undefined => {
      try {
        checkLoanTerms(testTerms(changes), at_s);
        return undefined;
      } catch (error) {
        return CaliberError.find(error, "LOAN_TERMS_INVALID")?.details;
      }
    };
    expect(reason({})).toBeUndefined();
    expect(reason({ expiration_s: BigInt(at_s) })).toBeUndefined();
    expect(reason({ expiration_s: BigInt(at_s) - 1n })).toBe("Expiration");
    expect(reason({ borrower: zeroAddress })).toBe("Borrower");
    expect(reason({ currency_token: zeroAddress })).toBe("Currency Token");
    expect(reason({ collateral_token: zeroAddress })).toBe("Collateral Token");
    expect(reason({ collateral_token_ids: [] })).toBe("Collateral Token IDs");
    expect(reason({ interest: { model: zeroAddress, options: "0x" } })).toBe("Interest Rate Model");
    expect(reason({ tranches: [] })).toBe("Tranche Specs");
    expect(reason({ tranches: Array(32).fill(tranche) })).toBeUndefined();
    expect(reason({ tranches: Array(33).fill(tranche) })).toBe("Tranche Specs");
    expect(reason({ tranches: [{ ...tranche!, rate: 0n }] })).toBe("Rate");
    expect(reason({ tranches: [{ ...tranche!, rate: 10n ** 18n + 1n }] })).toBe("Rate");
    expect(reason({ tranches: [{ ...tranche!, lender: zeroAddress }] })).toBe("Lender");
    expect(reason({ tranches: [{ ...tranche!, amount: 0n }] })).toBe("Tranche Amount");
    expect(reason({ repayment: { ...spec, day: 0 } })).toBe("Repayment Day");
    expect(reason({ repayment: { ...spec, day: 32 } })).toBe("Repayment Day");
    expect(reason({ repayment: { ...spec, total_duration_days: 0 } })).toBe("Loan Duration Days");
    expect(reason({ repayment: { ...spec, total_duration_days: 4001 } })).toBe("Loan Duration Days");
    expect(reason({ repayment: { ...spec, timezone_offset_s: -43_201 } })).toBe("Timezone Offset");
    expect(reason({ repayment: { ...spec, timezone_offset_s: 50_401 } })).toBe("Timezone Offset");
    // March to the next February's 15th: 12 windows after 1 March + 360 days = 24 February, so 13 with the closing one.
    expect(reason({ tranches: [{ ...tranche!, amount: 12n }] })).toBe("Principal");
    expect(reason({ tranches: [{ ...tranche!, amount: 13n }] })).toBeUndefined();
  });

  it("name the lenders' positions and the timelock's receipt", () => {
    const loan = loanTermsHash(testTerms(), 42_161);
    expect(lenderTokenId(loan, 3)).toBe(BigInt(keccak256(`${loan}03`)));
    const target = testAddress(0x11);
    const token = testAddress(0x22);
    const word = (n: number): string => n.toString(16).padStart(64, "0");
    const packed: Hex = `${target}${loan.slice(2)}${token.slice(2)}${word(5)}${word(6)}`;
    expect(depositTokenId(target, loan, token, [5n, 6n])).toBe(BigInt(keccak256(packed)));
    expect(depositTokenId(target, loan, token, [6n, 5n])).not.toBe(BigInt(keccak256(packed)));
  });
});
