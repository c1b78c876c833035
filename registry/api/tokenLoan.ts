import type { TokenFacts } from "../health/deviceFold.js";
import type { Loans } from "../loans/startLoans.js";

/**
 * The loan that binds a token, or else the last that named it. Null for a token that no loan has ever named, for one of
 * another contract than the one indexed, and where no loans are indexed.
 */
export function tokenLoan(token: TokenFacts, loans: Pick<Loans, "view" | "collateral"> | null) {
  if (loans === null || token.contract !== loans.collateral) return null;
  const claim = loans.view.loanOfToken(BigInt(token.token_id));
  if (claim === null) return null;
  const { hold, loan, history } = claim;
  return { loan: loan.loan, hold, phase: loan.phase, confirmed_phase: loan.confirmed_phase, history };
}
