import { Ajv } from "ajv";
import type { Address, Hex } from "viem";
import { CaliberError } from "../../protocol/errors.js";
import type { AttestorSignature } from "../chain/attestorSignature.js";
import { type GateApproval, gateSignature } from "./gateApproval.js";
import { tokensAtMost } from "./loanTermsSchema.js";

export type CombinedApproval = {
  loan: Hex;
  gate: Address;
  approval: GateApproval;
  /** How many attestors the contract asks for: as many have signed, or more. */
  threshold: number;
  attestors: Address[];
  /** What `originate` takes as the gate's signature. */
  signature: Hex;
};

/** One registry's answer to POST /v1/approvals, as far as it is looked at. */
type AnswerJson = {
  loan: Hex;
  gate: Address;
  approval: { loan: Hex; token_ids: string[]; fingerprints: Hex[]; deadline_s: number };
  attestor_signature: AttestorSignature;
  threshold: number;
};

const hash = { type: "string", pattern: "^0x[0-9a-f]{64}$" } as const;
const address = { type: "string", pattern: "^0x[0-9a-fA-F]{40}$" } as const;
const listOf = (items: object) => ({ type: "array", items, minItems: 1, maxItems: tokensAtMost }) as const;
const strict = (properties: Record<string, object>) =>
  ({ type: "object", properties, required: Object.keys(properties) }) as const;

const validate = new Ajv({ strict: true }).compile<AnswerJson>(
  strict({
    loan: hash,
    gate: address,
    approved: { const: true },
    approval: strict({
      loan: hash,
      token_ids: listOf({ type: "string", pattern: "^(?:0|[1-9][0-9]{0,77})$" }),
      fingerprints: listOf(hash),
      deadline_s: { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
    }),
    attestor_signature: strict({
      attestor: address,
      // An account that is a contract may sign in more than 65 bytes.
      signature: { type: "string", pattern: "^0x(?:[0-9a-fA-F]{2})+$", maxLength: 65_538 },
    }),
    threshold: { type: "integer", minimum: 1, maximum: 32 },
  }),
);

/**
 * One signature for the gate out of the approvals of several attestors, each its own registry's answer as JSON. They must be
 * of the very same approval. Whether the signatures are those of attestors is the contract's to say.
 *
 * @throws CaliberError APPROVAL_MALFORMED, APPROVALS_DIFFER, ATTESTOR_REPEATED, APPROVALS_TOO_FEW
 */
export function combineApprovals(answers: readonly unknown[]): CombinedApproval {
  const parsed = answers.map(parseAnswer);
  const [first] = parsed;
  if (first === undefined) throw refusal("APPROVALS_TOO_FEW", "no approval is given");
  for (const [i, answer] of parsed.entries()) {
    const differs = differenceOf(first, answer);
    if (differs !== null) {
      throw refusal("APPROVALS_DIFFER", `approval ${i + 1} has another ${differs} than the first`);
    }
  }
  const attestors = parsed.map(({ attestor_signature: { attestor } }) => attestor.toLowerCase() as Address);
  const repeated = attestors.find((attestor, i) => attestors.indexOf(attestor) !== i);
  if (repeated !== undefined) throw refusal("ATTESTOR_REPEATED", `${repeated} has signed more than one`);
  // Attestors may have been added between one answer and the next.
  const threshold = Math.max(...parsed.map((answer) => answer.threshold));
  if (parsed.length < threshold) {
    throw refusal("APPROVALS_TOO_FEW", `${parsed.length} of ${threshold} attestors have signed`);
  }
  const { loan, gate } = first;
  const approval = { ...first.approval, token_ids: first.approval.token_ids.map(BigInt) };
  const signatures = parsed.map(({ attestor_signature }) => attestor_signature);
  return { loan, gate, approval, threshold, attestors, signature: gateSignature(approval, signatures) };
}

function parseAnswer(value: unknown, i: number): AnswerJson {
  if (!validate(value)) {
    const { instancePath, message } = validate.errors![0]!;
    throw refusal(
      "APPROVAL_MALFORMED",
      `approval ${i + 1}: ${instancePath.slice(1).replaceAll("/", ".")} ${message}`,
    );
  }
  return value;
}

/** What of two answers is not the same; null for nothing. A deadline is: each registry must be given the same. */
function differenceOf(a: AnswerJson, b: AnswerJson): string | null {
  if (a.gate.toLowerCase() !== b.gate.toLowerCase()) return "gate";
  if (a.loan !== b.loan || a.approval.loan !== b.approval.loan) return "loan";
  for (const name of ["token_ids", "fingerprints", "deadline_s"] as const) {
    if (String(a.approval[name]) !== String(b.approval[name])) return name;
  }
  return null;
}

function refusal<Code extends string>(code: Code, message: string): CaliberError<Code> {
  return new CaliberError(code, message, { disposition: "user" });
}
