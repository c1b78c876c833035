import { CaliberError } from "../../protocol/errors.js";

/**
 * What is signed moves titles' health: it is not to be read or forged on the way.
 *
 * @throws CaliberError OPTION_INVALID for an address that is neither https nor http on loopback
 */
export function checkSignerUrl(url: string, option: string): void {
  const { protocol, hostname } = URL.canParse(url) ? new URL(url) : { protocol: "", hostname: "" };
  const loopback = /^(127\.[0-9.]+|localhost|\[::1\])$/.test(hostname);
  if (protocol === "https:" || (protocol === "http:" && loopback)) return;
  throw new CaliberError("OPTION_INVALID", `--${option} is https, or http on this machine's loopback`, {
    disposition: "user",
  });
}
