import type { AbiParameterToPrimitiveType, Address } from "viem";
import { feeKinds, type LoanTerms, type RouterVersion } from "./loanTerms.js";
import type { loanTermsAbi } from "./loanTermsAbi.js";
import { loanTermsError } from "./loanTermsError.js";

/** The terms as viem's codec takes and gives them. */
export type AbiLoanTerms = AbiParameterToPrimitiveType<typeof loanTermsAbi>;

export function toAbiLoanTerms(terms: LoanTerms, version: RouterVersion): AbiLoanTerms {
  return {
    expiration: terms.expiration_s,
    borrower: terms.borrower,
    currencyToken: terms.currency_token,
    collateralToken: terms.collateral_token,
    repaymentSpec: {
      totalDurationDays: terms.repayment.total_duration_days,
      day: terms.repayment.day,
      timezoneOffsetSeconds: terms.repayment.timezone_offset_s,
    },
    interestRateSpec: terms.interest,
    collateralTokenIds: terms.collateral_token_ids,
    trancheSpecs: terms.tranches,
    feeSpecs: terms.fees.map(({ kind, ...fee }) => ({
      ...fee,
      kind: knownKind(feeKinds.indexOf(kind), version),
    })),
    approvalAddresses: terms.approval_addresses,
    options: terms.options,
  };
}

export function fromAbiLoanTerms(abi: AbiLoanTerms, version: RouterVersion): LoanTerms {
  return {
    expiration_s: abi.expiration,
    borrower: lower(abi.borrower),
    currency_token: lower(abi.currencyToken),
    collateral_token: lower(abi.collateralToken),
    repayment: {
      total_duration_days: abi.repaymentSpec.totalDurationDays,
      day: abi.repaymentSpec.day,
      timezone_offset_s: abi.repaymentSpec.timezoneOffsetSeconds,
    },
    interest: { model: lower(abi.interestRateSpec.model), options: abi.interestRateSpec.options },
    collateral_token_ids: [...abi.collateralTokenIds],
    tranches: abi.trancheSpecs.map(({ lender, amount, rate }) => ({ lender: lower(lender), amount, rate })),
    fees: abi.feeSpecs.map(({ kind, recipient, model, options }) => ({
      // `knownKind` has bounded the index.
      kind: feeKinds[knownKind(kind, version)]!,
      recipient: lower(recipient),
      model: lower(model),
      options,
    })),
    approval_addresses: abi.approvalAddresses.map(lower),
    options: abi.options,
  };
}

/** Solidity refuses an enum value out of range, so a v1.1 router cannot hold a refinance fee. */
function knownKind(index: number, version: RouterVersion): number {
  const kinds = version === "1.1" ? feeKinds.length - 1 : feeKinds.length;
  if (index < 0 || index >= kinds) {
    throw loanTermsError("LOAN_TERMS_FEE_KIND", `fee kind ${index} is unknown to router v${version}`);
  }
  return index;
}

function lower(address: Address): Address {
  return address.toLowerCase() as Address;
}
