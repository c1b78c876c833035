import type { TokenFacts } from "../health/deviceFold.js";
import type { Loans } from "../loans/startLoans.js";

/**
 * Each token's loan, looked up all at once: the one that binds it, or else the last that named it. Null for a token that no
 * loan has ever named, for one of another contract than the one indexed, and where no loans are indexed.
 */
export function tokenLoans(tokens: readonly TokenFacts[], loans: Pick<Loans, "view" | "collateral"> | null) {
  const indexed = tokens.filter(({ contract }) => contract === loans?.collateral);
  const found = loans?.view.loansOfTokens(indexed.map(({ token_id }) => BigInt(token_id)));
  return (token: TokenFacts) => {
    const claim = token.contract === loans?.collateral ? found?.get(BigInt(token.token_id)) : undefined;
    if (claim === undefined) return null;
    const { hold, loan, history } = claim;
    return { loan: loan.loan, hold, phase: loan.phase, confirmed_phase: loan.confirmed_phase, history };
  };
}
