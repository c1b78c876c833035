import type {
  EnrolAnswer,
  EnrolRequest,
  RenewRequest,
  TpmChallenge,
  TpmChallengeRequest,
} from "../../protocol/enrol/enrolMessages.js";
import { challengeTpm } from "./challengeTpm.js";
import { createNonces } from "./createNonces.js";
import { createTpmChallenges } from "./createTpmChallenges.js";
import type { EnrolContext } from "./enrolContext.js";
import { enrolHost } from "./enrolHost.js";
import { renewHost } from "./renewHost.js";

/** Enrolment without its transport. Requests have passed their schemas. */
export type EnrolService = {
  /** CA certificate, PEM. */
  ca: string;
  /** See enrolHost for the errors. */
  enrol(request: EnrolRequest): EnrolAnswer;
  /** See renewHost for the errors. */
  renew(request: RenewRequest): EnrolAnswer;
  /** See challengeTpm for the errors. */
  challengeTpm(request: TpmChallengeRequest): TpmChallenge;
  /** A fresh nonce for a renewal, 64 hex characters. */
  nonce(): string;
};

const day_ms = 86_400_000;

type Given = "certificate_ms" | "tpmRoots";

/** @param options.tpmRoots none when left out. */
export function enrolService(
  options: Omit<EnrolContext, "nonces" | "tpmChallenges" | Given> & Partial<Pick<EnrolContext, Given>>,
): EnrolService {
  const nonces = createNonces(options.now_ms);
  const tpmChallenges = createTpmChallenges();
  const context: EnrolContext = { certificate_ms: day_ms, tpmRoots: null, ...options, nonces, tpmChallenges };
  return {
    ca: options.ca.certificate,
    enrol: (request) => enrolHost(request, context),
    challengeTpm: (request) => challengeTpm(request, context),
    renew: (request) => renewHost(request, context),
    nonce: nonces.issue,
  };
}
