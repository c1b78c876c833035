import { signEs256 } from "../../protocol/crypto/signEs256.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import type { EnrolDevice, EnrolHost, EnrolRequest } from "../../protocol/enrol/enrolMessages.js";
import type { EnrolToken } from "../../protocol/enrol/enrolToken.js";
import { secretHash } from "../../protocol/enrol/secretHash.js";
import { CaliberError } from "../../protocol/errors.js";
import type { KeyStore } from "../keys/keyStore.js";
import type { KeyStoreChoice } from "../keys/openKeyStore.js";
import { checkAnswer } from "./checkAnswer.js";
import { fetchPinnedCa } from "./fetchPinnedCa.js";
import type { Identity } from "./identity.js";
import { proveResidency } from "./proveResidency.js";
import { renewIdentity } from "./renewIdentity.js";
import { requestRegistry } from "./requestRegistry.js";
import { statementOf } from "./statementOf.js";

export type EnrolOptions = {
  token: EnrolToken;
  keys: KeyStore;
  /** Which store that is; the identity remembers it. */
  store: KeyStoreChoice;
  /** UUIDs of the GPUs that this host has now. */
  uuids: readonly string[];
  label: string;
  simulated: boolean;
  /** The identity that further GPUs are added to, or null. */
  known: Identity | null;
};

/**
 * Enrols a host and its GPUs, or further GPUs of an enrolled host, by a single-use token. The keys are made first and
 * stay: asked again with the same token, after an answer that got lost, it takes up the enrolment that stands.
 *
 * @throws CaliberError NO_GPUS, ALREADY_ENROLLED, CA_MISMATCH, REGISTRY_KEY_MISMATCH, CERTIFICATE_MISMATCH,
 * and the registry's refusals (TOKEN_UNKNOWN, TOKEN_EXPIRED, DEVICE_TAKEN, EK_UNTRUSTED …)
 */
export async function enrolHost(options: EnrolOptions): Promise<Identity> {
  const { token, keys, known, label, simulated } = options;
  const uuids = options.uuids.filter((uuid) => !known?.devices.some((device) => device.uuid === uuid));
  if (options.uuids.length === 0) {
    throw new CaliberError("NO_GPUS", "no GPU was found to enrol", { disposition: "user" });
  }
  if (uuids.length === 0) {
    throw new CaliberError("ALREADY_ENROLLED", "every GPU of this host is enrolled", { disposition: "user" });
  }
  const { createCsr } = await import("../../protocol/x509/createCsr.js");
  keys.create(uuids);
  const hostKey = keys.hostKey();
  const ca = await fetchPinnedCa(token.url, token.ca_sha256);
  const host_spki = spkiOf(hostKey).toString("base64");
  const secret_sha256 = secretHash(token.secret);
  const devices = uuids.map((uuid) => ({ uuid, key: keys.deviceKey(uuid) }));
  const host: EnrolHost = {
    v: 1,
    token: secret_sha256,
    host_spki,
    label,
    simulated,
    devices: devices.map(({ key }) => key.id),
  };
  const request: EnrolRequest = {
    secret: token.secret,
    csr: createCsr(hostKey, { commonName: label }),
    host: statementOf(payloadTypes.enrolHost, host, (message) => signEs256(message, hostKey)),
    devices: devices.map(({ key }) => {
      const device_spki = key.spki.toString("base64");
      const statement: EnrolDevice = { v: 1, token: secret_sha256, host_spki, device_spki };
      return statementOf(payloadTypes.enrolDevice, statement, key.sign);
    }),
  };
  const pins = { ca, registry_sha256: token.registry_sha256, hostKey };
  const rest = {
    v: 1 as const,
    enrol_url: token.url,
    label,
    simulated,
    keys: options.store,
    devices: [...(known?.devices ?? []), ...devices.map(({ uuid, key }) => ({ uuid, device: key.id }))],
  };
  try {
    if (keys.residency !== null) {
      request.tpm = await proveResidency(keys.residency, {
        url: token.url,
        ca,
        secret: token.secret,
        token: secret_sha256,
        host_spki: spkiOf(hostKey),
        uuids,
      });
    }
    const text = await requestRegistry({ url: token.url, path: "/v1/enrol", body: request, ca });
    return { ...rest, ...checkAnswer(text, pins) };
  } catch (error) {
    // The token is spent by the commit that enrols: if our key is on record, it was our own earlier request.
    if (!CaliberError.find(error, "TOKEN_SPENT")) throw error;
    try {
      return { ...rest, ...(await renewIdentity({ url: token.url, keys, ...pins })) };
    } catch (renewal) {
      throw CaliberError.find(renewal, "HOST_UNKNOWN") ? error : renewal;
    }
  }
}
