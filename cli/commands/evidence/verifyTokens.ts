import { CaliberError } from "../../../protocol/errors.js";
import { type EatBundle, verifyEatBundle } from "../../../protocol/evidence/eat/verifyEatBundle.js";
import { type EatTrust, nrasIssuer } from "../../../protocol/evidence/eat/verifyEatToken.js";
import { exitCodes } from "../../exitCodes.js";
import type { Io } from "../../io.js";
import { readBounded } from "./readBounded.js";

/** What of a device's token is worth a line; all claims are in the JSON. */
const shown = ["hwmodel", "measres", "x-nvidia-gpu-driver-version", "x-nvidia-gpu-vbios-version", "secboot"];

/**
 * `evidence verify --eat`: the tokens in which NVIDIA's service says that it has checked the evidence, by its keys as the
 * caller got them from it.
 *
 * @returns the exit code; a refusal is told, not thrown.
 * @throws CaliberError EVIDENCE_FILE_UNREADABLE, EVIDENCE_FILE_TOO_LARGE, JWKS_MALFORMED
 */
export function verifyTokens(
  files: { eat: string; jwks: string },
  { nonce, now_ms, json }: { nonce: string; now_ms: number; json: boolean },
  io: Io,
): number {
  const trust: EatTrust = { issuer: nrasIssuer, jwks: keySetOf(files.jwks), now_ms };
  const bundle = jsonOf(readBounded(files.eat));
  try {
    const verified = verifyEatBundle(bundle, trust, nonce);
    io.out(json ? `${JSON.stringify({ verified: true, ...verified })}\n` : textOf(verified));
    return exitCodes.ok;
  } catch (error) {
    if (!(error instanceof CaliberError)) throw error;
    const { code, message } = error;
    if (json) io.out(`${JSON.stringify({ verified: false, error: { code, message } })}\n`);
    else io.err(`caliber: the tokens are refused: ${message} (${code})\n`);
    return exitCodes.failed;
  }
}

/** Null where it is no JSON: verifyEatBundle says so. */
function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return null;
  }
}

function keySetOf(path: string): EatTrust["jwks"] {
  const set = jsonOf(readBounded(path)) as { keys?: unknown } | null;
  const keys = set?.keys;
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === "object" && key !== null)) {
    throw new CaliberError("JWKS_MALFORMED", `${path} is not a key set: {"keys": […]}`, {
      disposition: "user",
    });
  }
  return { keys };
}

function textOf({ devices }: EatBundle): string {
  return devices
    .map(({ name, claims }) => {
      const lines = shown
        .filter((claim) => ["string", "boolean"].includes(typeof claims[claim]))
        .map((claim) => `  ${claim.padEnd(27)} ${JSON.stringify(claims[claim])}\n`);
      return `${JSON.stringify(name)}: ${nrasIssuer} says that it is attested\n${lines.join("")}`;
    })
    .join("");
}
