import { CaliberError } from "../../protocol/errors.js";
import type { ApprovalAnswer, Approver } from "../approval/createApprover.js";
import { parseLoanTerms } from "../approval/parseLoanTerms.js";
import { HttpError } from "./httpError.js";
import { jsonAnswer } from "./jsonAnswer.js";
import type { Route } from "./routes.js";

export type ApprovalRoutesContext = {
  /** Null where the registry follows no loans, or has no gate. */
  approver: Approver | null;
};

/** Signs loans for the gate: with a token of its own scope, since what is signed moves money. */
export function approvalRoutes(context: ApprovalRoutesContext): Route[] {
  return [
    {
      pattern: /^\/v1\/approvals$/,
      method: "POST",
      async handle({ body }) {
        const { approver } = context;
        if (approver === null) {
          throw new HttpError(404, "APPROVALS_OFF", "this registry approves no loans");
        }
        const { terms, deadline_s } = requestOf(body ?? Buffer.alloc(0));
        return jsonAnswer(await asked(() => approver.approve(parseLoanTerms(terms), deadline_s)));
      },
    },
  ];
}

function requestOf(body: Buffer): { terms: unknown; deadline_s: number | null } {
  const invalid = (what: string) => new HttpError(400, "REQUEST_INVALID", what);
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    throw invalid("the body is no JSON");
  }
  if (typeof value !== "object" || value === null) throw invalid("the body is no object");
  const { terms, deadline_s = null, ...rest } = value as { terms?: unknown; deadline_s?: unknown };
  if (terms === undefined || Object.keys(rest).length > 0) {
    throw invalid("the body has terms and, if at all, deadline_s");
  }
  if (deadline_s !== null && !Number.isSafeInteger(deadline_s)) throw invalid("deadline_s is no integer");
  return { terms, deadline_s: deadline_s as number | null };
}

/** What the asker can mend is told with its code; of the rest only whether trying again may help. */
async function asked(approve: () => Promise<ApprovalAnswer>): Promise<ApprovalAnswer> {
  try {
    return await approve();
  } catch (error) {
    if (!(error instanceof CaliberError)) throw error;
    const { code, message } = error;
    if (code.startsWith("LOAN_TERMS_")) throw new HttpError(400, "TERMS_INVALID", message);
    if (code === "DEADLINE_INVALID") throw new HttpError(400, "DEADLINE_INVALID", message);
    if (code === "CHAIN_UNREADABLE") throw new HttpError(503, "CHAIN_UNREADABLE", message);
    if (code === "CHAIN_ENDPOINTS_DISAGREE") throw new HttpError(503, "CHAIN_ENDPOINTS_DISAGREE", message);
    if (code === "CHAIN_WRONG_CHAIN") throw new HttpError(503, "CHAIN_WRONG_CHAIN", message);
    if (code === "CHAIN_CONTRACTS_MISSING") throw new HttpError(503, "CHAIN_CONTRACTS_MISSING", message);
    if (code === "CONTRACT_INVALID") throw new HttpError(503, "CONTRACT_INVALID", message);
    throw error;
  }
}
