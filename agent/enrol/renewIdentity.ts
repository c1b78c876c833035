import { hash } from "node:crypto";
import { signEs256 } from "../../protocol/crypto/signEs256.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import type { EnrolAnswer, Renew, RenewRequest } from "../../protocol/enrol/enrolMessages.js";
import { hostIdOf } from "../../protocol/enrol/hostIdOf.js";
import { CaliberError } from "../../protocol/errors.js";
import type { KeyStore } from "../keys/keyStore.js";
import { checkAnswer } from "./checkAnswer.js";
import { requestRegistry } from "./requestRegistry.js";
import { statementOf } from "./statementOf.js";

/**
 * Gets the host's next certificate, by its key and a nonce: also when the last one ran out long ago.
 *
 * @throws CaliberError HOST_REVOKED, HOST_UNKNOWN, and those of requestRegistry and checkAnswer
 */
export async function renewIdentity(options: {
  url: string;
  keys: KeyStore;
  ca: string;
  registry_sha256: string;
}): Promise<EnrolAnswer> {
  const { url, keys, ca, registry_sha256 } = options;
  const { createCsr } = await import("../../protocol/x509/createCsr.js");
  const hostKey = keys.hostKey();
  // The registry derives a host's id from its key in the same way.
  const host = hostIdOf(spkiOf(hostKey));
  const csr = createCsr(hostKey, { commonName: host });
  const { nonce } = nonceOf(await requestRegistry({ url, path: "/v1/nonce", ca }));
  const statement: Renew = { v: 1, host, nonce, csr_sha256: hash("sha256", csr, "hex") };
  const body: RenewRequest = {
    csr,
    renew: statementOf(payloadTypes.renew, statement, (message) => signEs256(message, hostKey)),
  };
  const text = await requestRegistry({ url, path: "/v1/renew", body, ca });
  return checkAnswer(text, { ca, registry_sha256, hostKey });
}

function nonceOf(text: string): { nonce: string } {
  const { nonce } = JSON.parse(text) as { nonce?: unknown };
  if (typeof nonce !== "string" || !/^[0-9a-f]{64}$/.test(nonce)) {
    throw new CaliberError("REGISTRY_ANSWER_MALFORMED", "no nonce in the answer");
  }
  return { nonce };
}
