import type { Hex } from "viem";
import { CaliberError } from "../../protocol/errors.js";
import { loanDue } from "../loans/loanDue.js";
import type { LoanDetail } from "../loans/loanView.js";
import type { Loans } from "../loans/startLoans.js";
import { HttpError } from "./httpError.js";
import { integerOf } from "./integerOf.js";
import { jsonAnswer } from "./jsonAnswer.js";
import type { Route } from "./routes.js";

export type LoanRoutesContext = {
  /** Null where the registry follows no loans. */
  loans: Pick<Loans, "view" | "fault" | "models"> | null;
  now_ms: () => number;
};

/** A loan is folded from all its logs each time it is asked for. */
const loansAtOnce = 100;

/** Loans as the chain tells them. */
export function loanRoutes(context: LoanRoutesContext): Route[] {
  const indexed = () => {
    if (context.loans === null) throw new HttpError(404, "LOANS_OFF", "this registry follows no loans");
    return context.loans;
  };
  return [
    {
      pattern: /^\/v1\/loans$/,
      handle({ query }) {
        const { view, fault } = indexed();
        const limit = Math.min(integerOf("limit", query.get("limit"), loansAtOnce), loansAtOnce);
        const loans = limit === 0 ? [] : view.loans({ after: hashOf(query.get("after")), limit });
        const last = loans.at(-1)?.loan ?? query.get("after");
        return jsonAnswer({ index: { ...view.status(), fault: fault() }, loans, next: last });
      },
    },
    {
      pattern: /^\/v1\/loans\/(0x[0-9a-f]{64})$/,
      handle(_request, [hash]) {
        const { view, models } = indexed();
        const loan = view.loan(hash as Hex);
        if (loan === null) throw new HttpError(404, "LOAN_UNKNOWN", "no such loan");
        const at_s = Math.floor(context.now_ms() / 1000);
        return jsonAnswer({ ...loan, ...dueOf(loan, at_s, models) });
      },
    },
  ];
}

function hashOf(text: string | null): Hex | null {
  if (text === null) return null;
  if (!/^0x[0-9a-f]{64}$/.test(text)) throw new HttpError(400, "QUERY_INVALID", "after is a loan's hash");
  return text as Hex;
}

/** Strangers choose a loan's models: what cannot be computed is told by its code and takes nothing from the rest. */
function dueOf(loan: LoanDetail, at_s: number, models: Loans["models"]) {
  try {
    return { due: loanDue(loan, at_s, models), due_error: null };
  } catch (error) {
    if (!(error instanceof CaliberError)) throw error;
    return { due: null, due_error: error.code };
  }
}
