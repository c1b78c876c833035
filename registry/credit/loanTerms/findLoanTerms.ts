import { decodeAbiParameters, type Hex } from "viem";
import { type AbiLoanTerms, fromAbiLoanTerms } from "./abiLoanTerms.js";
import type { LoanTerms } from "./loanTerms.js";
import { loanTermsAbi } from "./loanTermsAbi.js";
import { loanTermsHash } from "./loanTermsHash.js";

/** `originate(LoanTermsV2,LenderDepositInfo[],bytes[])` */
const originateSelector = "956bf8c4";

const originateInputs = [
  loanTermsAbi,
  {
    type: "tuple[]",
    components: [
      { name: "depositType", type: "uint8" },
      { name: "data", type: "bytes" },
    ],
  },
  { type: "bytes[]" },
] as const;

/**
 * The terms of a loan from the calldata that originated it: routers before v1.2 log only their hash. The call may lie
 * inside another one (a multisig's), so every place where the selector stands is tried. An attacker may control the
 * calldata, which is why nothing counts but terms whose hash is `loan`. Null when there are none.
 */
export function findLoanTerms(calldata: Hex, loan: Hex, chain_id: number): LoanTerms | null {
  const hex = calldata.slice(2).toLowerCase();
  for (let at = hex.indexOf(originateSelector); at >= 0; at = hex.indexOf(originateSelector, at + 1)) {
    if (at % 2 !== 0) continue;
    const terms = termsAt(`0x${hex.slice(at + originateSelector.length)}`);
    if (terms !== null && hashes(terms, loan, chain_id)) return terms;
  }
  return null;
}

function termsAt(args: Hex): LoanTerms | null {
  let abi: AbiLoanTerms;
  try {
    [abi] = decodeAbiParameters(originateInputs, args);
    return fromAbiLoanTerms(abi, "1.2");
  } catch {
    // Four bytes that look like the selector: the hash decides about all that decodes, this about what does not.
    return null;
  }
}

function hashes(terms: LoanTerms, loan: Hex, chain_id: number): boolean {
  try {
    return loanTermsHash(terms, chain_id) === loan;
  } catch {
    // Decoded from bytes with stray high bits, which no router would have taken.
    return false;
  }
}
