import { hash } from "node:crypto";
import { eatError } from "./eatError.js";
import { type EatClaims, type EatTrust, verifyEatToken } from "./verifyEatToken.js";

/** More than any one machine has GPUs and switches. */
const maxDevices = 64;

export type EatBundle = {
  overall: EatClaims;
  /** By the service's own names: GPU-0 … */
  devices: { name: string; claims: EatClaims }[];
};

/**
 * Verifies what the service answers with, a detached EAT bundle (RFC 9711): `[["JWT", overall], { name: token, … }]`,
 * where the overall token names each device's token by its digest.
 *
 * @param bundle the parsed JSON.
 * @param nonce hex, the one that the devices were asked to sign.
 * @throws CaliberError EAT_*
 */
export function verifyEatBundle(bundle: unknown, trust: EatTrust, nonce: string): EatBundle {
  const [first, tokens] = Array.isArray(bundle) ? bundle : [];
  const [type, token] = Array.isArray(first) ? first : [];
  if (type !== "JWT" || typeof token !== "string" || !isObject(tokens)) {
    throw eatError("EAT_MALFORMED", "not an overall token and the tokens of devices");
  }
  const overall = verifyEatToken(token, trust, nonce);
  if (overall["x-nvidia-overall-att-result"] !== true) {
    throw eatError("EAT_RESULT_FAILED", "the service says that the attestation failed");
  }
  const named = isObject(overall.submods) ? Object.entries(overall.submods) : [];
  if (named.length === 0 || named.length > maxDevices || named.length !== Object.keys(tokens).length) {
    throw eatError("EAT_SUBMODULE_MISMATCH", "the overall token names other devices than there are tokens");
  }
  const devices = named.map(([name, submodule]) => {
    const device = Object.hasOwn(tokens, name) ? tokens[name] : undefined;
    if (typeof device !== "string" || hash("sha256", device, "hex") !== digestOf(submodule)) {
      throw eatError(
        "EAT_SUBMODULE_MISMATCH",
        "a device's token is not the one that the overall token names",
      );
    }
    return { name, claims: verifyEatToken(device, trust, nonce) };
  });
  return { overall, devices };
}

/** `["DIGEST", ["SHA-256", hex]]` */
function digestOf(submodule: unknown): string | null {
  const [kind, value] = Array.isArray(submodule) ? submodule : [];
  const [algorithm, digest] = Array.isArray(value) ? value : [];
  const known = kind === "DIGEST" && (algorithm === "SHA-256" || algorithm === "SHA256");
  return known && typeof digest === "string" ? digest.toLowerCase() : null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
