import { CaliberError } from "../protocol/errors.js";

/** An account's address from a flag, in lower case. A checksum in its capitals is not asked for. */
export function addressOption(name: string, text: string): `0x${string}` {
  if (!/^0x[0-9a-fA-F]{40}$/.test(text)) {
    throw new CaliberError("OPTION_INVALID", `--${name} is an address, 0x and 40 hex digits`, {
      disposition: "user",
    });
  }
  return text.toLowerCase() as `0x${string}`;
}
