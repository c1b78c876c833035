import { hash } from "node:crypto";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import type { EnrolAnswer, Renew, RenewRequest } from "../../protocol/enrol/enrolMessages.js";
import { hostIdOf } from "../../protocol/enrol/hostIdOf.js";
import { CaliberError } from "../../protocol/errors.js";
import { parseCsr } from "../../protocol/x509/parseCsr.js";
import type { EnrolContext } from "./enrolContext.js";
import { issueClientCertificate } from "./issueClientCertificate.js";
import { openStatement } from "./openStatement.js";
import { validators } from "./validators.js";

/**
 * Gives a host its next certificate, by its key and a fresh nonce: also when the last one ran out long ago, as long as
 * the host is not revoked. `csr_sha256` in the statement is over the request's PEM text as sent.
 *
 * @throws CaliberError CSR_MALFORMED, CSR_SIGNATURE_INVALID, HOST_UNKNOWN, RENEW_KEY_MISMATCH, RENEW_MALFORMED,
 * HOST_REVOKED, NONCE_UNKNOWN, NONCE_EXPIRED, NONCE_SPENT, BUSY
 */
export function renewHost(request: RenewRequest, context: EnrolContext): EnrolAnswer {
  const { store, ca, terms, nonces, now_ms } = context;
  const csr = parseCsr(request.csr);
  const host = hostIdOf(csr.spki);
  const known = store.findHost(host);
  if (known === null || !known.spki.equals(csr.spki)) {
    throw new CaliberError("HOST_UNKNOWN", "no host on record has this key");
  }
  let statement: Renew;
  try {
    statement = openStatement(request.renew, payloadTypes.renew, csr.key, validators.renew);
  } catch (cause) {
    if (CaliberError.find(cause, "SIGNATURE_INVALID")) {
      throw new CaliberError("RENEW_KEY_MISMATCH", "the renewal is not signed by the host's key", { cause });
    }
    throw new CaliberError("RENEW_MALFORMED", "the renewal cannot be read", { cause });
  }
  if (statement.host !== host) {
    throw new CaliberError("RENEW_KEY_MISMATCH", "the renewal names another host than the key's");
  }
  if (statement.csr_sha256 !== hash("sha256", request.csr, "hex")) {
    throw new CaliberError("RENEW_MALFORMED", "the renewal names another certificate request");
  }
  // Spent only by a host's own signature, so that nobody else can fill the table of spent nonces.
  nonces.spend(statement.nonce);
  if (known.revoked) throw new CaliberError("HOST_REVOKED", `host ${host} is revoked`);
  const certificate = issueClientCertificate(ca, { role: "host", id: host }, csr.spki, {
    now_ms: now_ms(),
    lifetime_ms: context.certificate_ms,
  });
  return { host, certificate, ca: ca.certificate, recipient: known.recipient, ...terms };
}
