import { type Address, zeroAddress } from "viem";
import { CaliberError } from "../../protocol/errors.js";
import { checkLoanTerms } from "../credit/loanTerms/checkLoanTerms.js";
import type { LoanTerms } from "../credit/loanTerms/loanTerms.js";
import type { ApprovalFacts } from "./approvalFacts.js";
import type { ApprovalFailure } from "./approvalFailure.js";

/** The contracts that this registry works with; lower case. */
export type ApprovalContracts = Record<"token" | "health" | "timelock" | "router" | "gate", Address>;

/** What keeps a loan as a whole from being approved. */
export function judgeLoan(
  terms: LoanTerms,
  facts: ApprovalFacts,
  contracts: ApprovalContracts,
  attestor: Address,
): ApprovalFailure[] {
  const failures: ApprovalFailure[] = [];
  const fail = (code: ApprovalFailure["code"], text: string) => failures.push({ code, token_id: null, text });
  const { block, staging } = facts;

  const refusal = refusalOf(terms, block.time_s);
  if (refusal !== null) fail("TERMS_REFUSED", refusal);
  if (terms.collateral_token !== contracts.token) {
    fail("COLLATERAL_FOREIGN", `the collateral is ${terms.collateral_token}, titles are ${contracts.token}`);
  }
  if (new Set(terms.collateral_token_ids).size < terms.collateral_token_ids.length) {
    fail("TOKEN_REPEATED", "a token is named twice");
  }
  if (!terms.approval_addresses.includes(contracts.gate)) {
    fail("GATE_NOT_NAMED", `the gate ${contracts.gate} is not among the approval addresses`);
  }
  for (const part of ["token", "health", "timelock", "router"] as const) {
    if (facts.gate[part] === contracts[part]) continue;
    fail("GATE_MISMATCH", `the gate's ${part} is ${facts.gate[part]}, here it is ${contracts[part]}`);
  }
  for (const part of ["timelock", "router"] as const) {
    if (!facts.custodians[part]) fail("CUSTODIAN_UNKNOWN", `the ${part} is no known custodian of the titles`);
  }
  if (!facts.attestors.includes(attestor)) {
    fail("ATTESTOR_UNKNOWN", `${attestor} is none of the attestors`);
  }
  if (facts.loan_status !== 0) fail("LOAN_STARTED", `the router has it under status ${facts.loan_status}`);
  if (staging.depositor === zeroAddress) {
    fail(
      "NOT_STAGED",
      "the timelock holds no deposit of these tokens, in this order, for this loan and router",
    );
  } else if (block.time_s >= staging.expiration_s) {
    fail("NOT_STAGED", `the deposit has expired at ${staging.expiration_s}`);
  }
  return failures;
}

function refusalOf(terms: LoanTerms, at_s: number): string | null {
  try {
    checkLoanTerms(terms, at_s);
    return null;
  } catch (error) {
    if (!(error instanceof CaliberError)) throw error;
    return error.message;
  }
}
