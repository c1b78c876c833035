import { hash, type KeyObject, X509Certificate } from "node:crypto";
import { publicKeyFromSpki, spkiOf } from "../../protocol/crypto/spki.js";
import type { EnrolAnswer } from "../../protocol/enrol/enrolMessages.js";
import { hostUri } from "../../protocol/enrol/hostUri.js";
import { CaliberError } from "../../protocol/errors.js";
import { followRegistryKey } from "../../protocol/registryKey/followRegistryKey.js";
import { isHostId } from "../../protocol/topics.js";

/**
 * Reads the registry's answer and holds it against what this host knows: the CA and the registry key that the token
 * (at a renewal: the identity) names, and its own key.
 *
 * @throws CaliberError REGISTRY_ANSWER_MALFORMED, CA_MISMATCH, REGISTRY_KEY_MISMATCH, REGISTRY_KEY_CHANGE_INVALID,
 * CERTIFICATE_MISMATCH
 */
export function checkAnswer(
  text: string,
  pins: { ca: string; registry_sha256: string; hostKey: KeyObject },
): EnrolAnswer {
  const answer = parse(text);
  const ca = new X509Certificate(pins.ca);
  if (!new X509Certificate(answer.ca).raw.equals(ca.raw)) {
    throw new CaliberError("CA_MISMATCH", "the answer names another CA than the one that is pinned");
  }
  const registry_spki = Buffer.from(answer.registry_spki, "base64");
  publicKeyFromSpki(registry_spki);
  if (!leadsTo(answer, pins.registry_sha256)) {
    throw new CaliberError("REGISTRY_KEY_MISMATCH", "the registry shows another key than the one pinned");
  }
  const certificate = new X509Certificate(answer.certificate);
  const isOurs =
    spkiOf(certificate.publicKey).equals(spkiOf(pins.hostKey)) &&
    certificate.subjectAltName === `URI:${hostUri(answer.host)}` &&
    certificate.checkIssued(ca) &&
    certificate.verify(ca.publicKey);
  if (!isOurs) {
    throw new CaliberError("CERTIFICATE_MISMATCH", "the certificate is not by this CA for this host's key");
  }
  return answer;
}

/** Whether the key shown is the pinned one, or the pinned one has handed over to it. */
function leadsTo({ registry_spki, registry_keys = [], log_origin }: EnrolAnswer, pinned: string): boolean {
  const idOf = (spki: string): string => hash("sha256", Buffer.from(spki, "base64"), "hex");
  if (idOf(registry_spki) === pinned) return true;
  const start = registry_keys.find(({ from_spki }) => idOf(from_spki) === pinned)?.from_spki;
  return (
    start !== undefined && followRegistryKey(start, "receipt", log_origin, registry_keys) === registry_spki
  );
}

function parse(text: string): EnrolAnswer {
  const malformed = (why: string, cause?: unknown): CaliberError =>
    new CaliberError("REGISTRY_ANSWER_MALFORMED", why, { cause });
  let answer: EnrolAnswer;
  try {
    answer = JSON.parse(text) as EnrolAnswer;
  } catch (cause) {
    throw malformed("the answer is not JSON", cause);
  }
  const texts = [
    "host",
    "certificate",
    "ca",
    "registry_spki",
    "mqtt_url",
    "log_origin",
    "recipient",
  ] as const;
  for (const name of texts) if (typeof answer?.[name] !== "string") throw malformed(`${name} is missing`);
  const { host, certificate, ca, registry_spki, mqtt_url, log_origin, window_ms, recipient } = answer;
  if (!isHostId(host)) throw malformed("host is not a host id");
  if (!mqtt_url.startsWith("mqtts://")) throw malformed("mqtt_url is not mqtts://");
  if (!/^0x[0-9a-f]{40}$/.test(recipient)) throw malformed("recipient is not an address");
  if (!Number.isSafeInteger(window_ms) || window_ms < 1000 || window_ms > 600_000) {
    throw malformed("window_ms is not between 1 s and 10 min");
  }
  const { registry_keys } = answer;
  if (registry_keys !== undefined && !isChanges(registry_keys)) throw malformed("registry_keys is no list");
  const kept = { host, certificate, ca, registry_spki, mqtt_url, log_origin, window_ms, recipient };
  return registry_keys === undefined ? kept : { ...kept, registry_keys };
}

function isChanges(value: unknown): boolean {
  return Array.isArray(value) && value.every((change) => typeof change?.from_spki === "string");
}
