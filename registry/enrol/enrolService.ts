import type { EnrolAnswer, EnrolRequest, RenewRequest } from "../../protocol/enrol/enrolMessages.js";
import { createNonces } from "./createNonces.js";
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
  /** A fresh nonce for a renewal, 64 hex characters. */
  nonce(): string;
};

const day_ms = 86_400_000;

export function enrolService(
  options: Omit<EnrolContext, "nonces" | "certificate_ms"> & { certificate_ms?: number },
): EnrolService {
  const nonces = createNonces(options.now_ms);
  const context: EnrolContext = { certificate_ms: day_ms, ...options, nonces };
  return {
    ca: options.ca.certificate,
    enrol: (request) => enrolHost(request, context),
    renew: (request) => renewHost(request, context),
    nonce: nonces.issue,
  };
}
