import type { KeyObject } from "node:crypto";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import type { EnrolAnswer, EnrolHost, EnrolRequest } from "../../protocol/enrol/enrolMessages.js";
import { hostIdOf } from "../../protocol/enrol/hostIdOf.js";
import { secretHash } from "../../protocol/enrol/secretHash.js";
import { CaliberError } from "../../protocol/errors.js";
import { parseCsr } from "../../protocol/x509/parseCsr.js";
import { checkDeviceProof } from "./checkDeviceProof.js";
import { checkTpmProof } from "./checkTpmProof.js";
import type { EnrolContext } from "./enrolContext.js";
import type { EnrolStore } from "./enrolStore.js";
import { issueClientCertificate } from "./issueClientCertificate.js";
import { openStatement } from "./openStatement.js";
import { openToken } from "./openToken.js";
import { validators } from "./validators.js";

/**
 * Takes a host and its devices in, once per token. The request has passed its schema; all in it is still
 * attacker-controlled. The token is spent by the last step alone, so that a refused request leaves it good.
 *
 * @throws CaliberError TOKEN_UNKNOWN, TOKEN_SPENT, TOKEN_EXPIRED, CSR_MALFORMED, CSR_SIGNATURE_INVALID,
 * ENROL_MALFORMED, ENROL_KEY_MISMATCH, HOST_REVOKED, RECIPIENT_MISMATCH, DEVICE_PROOF_INVALID, DEVICE_TAKEN,
 * TPM_REQUIRED, and those of checkTpmProof
 */
export function enrolHost(request: EnrolRequest, context: EnrolContext): EnrolAnswer {
  const { store, ca, terms, now_ms } = context;
  const at_ms = now_ms();
  // Looked up by the hash of the secret: how long it takes says nothing about the secrets on record.
  const tokenHash = secretHash(request.secret);
  const token = openToken(store, tokenHash, at_ms);
  const csr = parseCsr(request.csr);
  const statement = openHostStatement(request, csr, tokenHash);
  const host = hostIdOf(csr.spki);
  checkHost(store, host, csr.spki, token.recipient);
  const devices = request.devices.map((proof, index) =>
    checkDeviceProof(proof, statement.devices[index]!, statement),
  );
  for (const { device } of devices) {
    if (store.hasDevice(device))
      throw new CaliberError("DEVICE_TAKEN", `device ${device} is on record already`);
  }
  if (request.tpm === undefined && token.ek_sha256.length > 0) {
    throw new CaliberError("TPM_REQUIRED", "the token is for keys in a TPM that it names (--keys tpm)");
  }
  // Never taken for keys in files when it fails: who claims a TPM shows it or is refused.
  const residency =
    request.tpm === undefined
      ? null
      : checkTpmProof(request.tpm, { token, tokenHash, host_spki: csr.spki, devices }, context);
  const certificate = issueClientCertificate(ca, { role: "host", id: host }, csr.spki, {
    now_ms: at_ms,
    lifetime_ms: context.certificate_ms,
  });
  store.enrol(tokenHash, {
    type: "enrol",
    at_ms,
    host,
    host_spki: csr.spki.toString("base64"),
    recipient: token.recipient,
    simulated: statement.simulated,
    label: statement.label,
    devices: devices.map(({ device, spki }, index) => ({
      device,
      spki: spki.toString("base64"),
      ...(residency === null ? {} : { tpm: residency.keys[index]! }),
    })),
    ...(residency === null ? {} : { tpm: residency.tpm }),
  });
  return { host, certificate, ca: ca.certificate, recipient: token.recipient, ...terms };
}

/** The host's own statement: signed by the key that the certificate request is for, about that key and this token. */
function openHostStatement(
  request: EnrolRequest,
  csr: { spki: Buffer; key: KeyObject },
  tokenHash: string,
): EnrolHost {
  let statement: EnrolHost;
  try {
    statement = openStatement(request.host, payloadTypes.enrolHost, csr.key, validators.enrolHost);
  } catch (cause) {
    if (CaliberError.find(cause, "SIGNATURE_INVALID")) {
      throw new CaliberError("ENROL_KEY_MISMATCH", "the host statement is not signed by the request's key", {
        cause,
      });
    }
    throw new CaliberError("ENROL_MALFORMED", "the host statement cannot be read", { cause });
  }
  if (statement.host_spki !== csr.spki.toString("base64")) {
    throw new CaliberError("ENROL_KEY_MISMATCH", "the host statement names another key than the request");
  }
  if (statement.token !== tokenHash) {
    throw new CaliberError("ENROL_MALFORMED", "the host statement names another token");
  }
  if (statement.devices.length !== request.devices.length) {
    throw new CaliberError("ENROL_MALFORMED", "the host statement names as many devices as there are proofs");
  }
  return statement;
}

/** A host on record may enrol further devices, as long as it is not revoked and its titles go to one place. */
function checkHost(store: EnrolStore, host: string, spki: Buffer, recipient: string): void {
  const known = store.findHost(host);
  if (known === null) return;
  if (known.revoked) throw new CaliberError("HOST_REVOKED", `host ${host} is revoked`);
  // The id is half a hash; the key on record is the host.
  if (!known.spki.equals(spki)) throw new CaliberError("ENROL_KEY_MISMATCH", `host ${host} has another key`);
  if (known.recipient !== recipient) {
    throw new CaliberError("RECIPIENT_MISMATCH", `host ${host} is enrolled for another recipient`);
  }
}
