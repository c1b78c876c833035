import { CaliberError } from "../../protocol/errors.js";
import type { TitleContract } from "./parseTitleContract.js";

export type TitleRefusalCode =
  | "TITLE_REQUEST_MALFORMED"
  | "TITLE_NOT_ACCEPTED"
  | "TITLE_KEY_MISMATCH"
  | "TITLE_IDENTITY_MISMATCH"
  | "TITLE_EVIDENCE_UNKNOWN"
  | "TITLE_ORIGIN_MISMATCH"
  | "TITLE_ASSURANCE_TOO_HIGH"
  | "TITLE_CONTRACT_CHANGED"
  | "TITLE_DEADLINE";

/** What every request about a title that there is already says of where it is, what it claims and until when. */
export type TitleTerms = { chain_id: number; contract: string; assurance: number; deadline: string };

const shapes = {
  word: /^0x[0-9a-f]{64}$/,
  address: /^0x[0-9a-f]{40}$/,
  uint: /^(0|[1-9][0-9]{0,77})$/,
} as const;

/**
 * Holds what such a request has in common against what this host knows. It comes from the registry, and a registry gone bad
 * must get no signature for another contract, for more than was shown, or for ever.
 *
 * @param fields the request's other members, with the form that each must have
 * @throws CaliberError a TitleRefusalCode
 */
export function checkTitleTerms<T extends TitleTerms>(
  asked: T,
  fields: Partial<Record<keyof T, keyof typeof shapes>>,
  own: { contract: TitleContract | null; assurance: number; longest_s: number; now_ms: number },
): void {
  const members: Record<string, unknown> = asked;
  for (const [name, shape] of Object.entries({ ...fields, contract: "address", deadline: "uint" } as const)) {
    const value = members[name];
    if (typeof value !== "string" || !shapes[shape as keyof typeof shapes].test(value)) throw malformed(name);
  }
  if (!Number.isSafeInteger(asked.chain_id) || asked.chain_id < 1) throw malformed("chain_id");
  if (!Number.isInteger(asked.assurance) || asked.assurance < 0) throw malformed("assurance");
  if (asked.assurance > 255 || (asked.assurance & ~own.assurance) !== 0) {
    throw refuse("TITLE_ASSURANCE_TOO_HIGH", "the title would claim more assurance than this agent can show");
  }
  const contract = `${asked.chain_id}:${asked.contract}`;
  if (own.contract !== null && own.contract !== contract) {
    throw refuse(
      "TITLE_CONTRACT_CHANGED",
      `the title is on ${contract}, and this device consents to ${own.contract} alone`,
    );
  }
  const left_s = BigInt(asked.deadline) - BigInt(Math.floor(own.now_ms / 1000));
  if (left_s <= 0n || left_s > BigInt(own.longest_s)) {
    throw refuse("TITLE_DEADLINE", `the deadline is not within the next ${own.longest_s / 3600} hours`);
  }
}

function malformed(name: string): CaliberError<TitleRefusalCode> {
  return refuse("TITLE_REQUEST_MALFORMED", `${name} is malformed`);
}

function refuse(code: TitleRefusalCode, message: string): CaliberError<TitleRefusalCode> {
  return new CaliberError(code, message);
}
