import { Ajv } from "ajv";
import type { Address, Hex } from "viem";
import { CaliberError } from "../../protocol/errors.js";
import type { FeeSpec, LoanTerms, RepaymentSpec } from "../credit/loanTerms/loanTerms.js";
import { loanTermsSchema } from "./loanTermsSchema.js";

type TermsJson = {
  expiration_s: string;
  borrower: string;
  currency_token: string;
  collateral_token: string;
  repayment: RepaymentSpec;
  interest: { model: string; options: string };
  collateral_token_ids: string[];
  tranches: { lender: string; amount: string; rate: string }[];
  fees: FeeSpec[];
  approval_addresses: string[];
  options: string;
};

const validate = new Ajv({ strict: true }).compile<TermsJson>(loanTermsSchema);

/**
 * Loan terms out of JSON, in the form in which the API gives them.
 *
 * @throws CaliberError LOAN_TERMS_JSON, naming the first member that is wrong
 */
export function parseLoanTerms(value: unknown): LoanTerms {
  if (!validate(value)) {
    const { instancePath, message } = validate.errors![0]!;
    throw new CaliberError("LOAN_TERMS_JSON", `terms${instancePath.replaceAll("/", ".")} ${message}`, {
      disposition: "user",
    });
  }
  return {
    expiration_s: BigInt(value.expiration_s),
    borrower: address(value.borrower),
    currency_token: address(value.currency_token),
    collateral_token: address(value.collateral_token),
    repayment: value.repayment,
    interest: { model: address(value.interest.model), options: hex(value.interest.options) },
    collateral_token_ids: value.collateral_token_ids.map(BigInt),
    tranches: value.tranches.map(({ lender, amount, rate }) => ({
      lender: address(lender),
      amount: BigInt(amount),
      rate: BigInt(rate),
    })),
    fees: value.fees.map(({ kind, recipient, model, options }) => ({
      kind,
      recipient: address(recipient),
      model: address(model),
      options: hex(options),
    })),
    approval_addresses: value.approval_addresses.map(address),
    options: hex(value.options),
  };
}

const address = (text: string): Address => text.toLowerCase() as Address;
const hex = (text: string): Hex => text.toLowerCase() as Hex;
