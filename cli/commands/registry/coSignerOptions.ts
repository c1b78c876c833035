import { type Address, isAddress } from "viem";
import { CaliberError } from "../../../protocol/errors.js";
import { checkSignerUrl } from "../../../registry/chain/checkSignerUrl.js";
import type { CoSigner } from "../../../registry/chain/postQuorum.js";

/**
 * Other attestors with their signers, each `0xADDRESS=URL`.
 *
 * @throws CaliberError OPTION_INVALID: no such pair, an attestor named twice, a URL neither https nor on loopback
 */
export function coSignerOptions(values: readonly string[]): CoSigner[] {
  const seen = new Set<string>();
  return values.map((value) => {
    const at = value.indexOf("=");
    const attestor = value.slice(0, Math.max(at, 0)).toLowerCase();
    const url = value.slice(at + 1);
    // The value is not shown: a URL may hold a key.
    if (!isAddress(attestor)) throw refuse("--co-signer is an attestor's address, = and its signer's URL");
    if (seen.has(attestor)) throw refuse(`--co-signer names ${attestor} twice`);
    seen.add(attestor);
    checkSignerUrl(url, "co-signer");
    return { attestor: attestor as Address, url };
  });
}

function refuse(message: string): CaliberError {
  return new CaliberError("OPTION_INVALID", message, { disposition: "user" });
}
