import type { Check } from "./check.js";
import { findings } from "./findings.js";
import type { Reach } from "./reachBroker.js";

/** What an address is for: its check's id, and what it is called in a sentence. */
export type Server = { id: "broker" | "registry"; name: string };

/** Can the server be reached, and does it take this host's certificate? */
export function checkReach({ id, name }: Server, reach: () => Promise<Reach>): Check {
  return {
    id,
    async run() {
      const found = await reach();
      const { address } = found;
      switch (found.step) {
        case "done":
          return findings.ok(`${name} answers at ${address}, and its certificate is the one expected.`);
        case "key":
          return findings.fail(
            `The host's own key cannot be used (${found.code}), so ${name} at ${address} was not tried.`,
            "A lost key cannot be had back: ask the lender for a new enrolment. One that others may read must be enrolled anew.",
          );
        case "name":
          return findings.fail(
            `The name of ${name}, ${address}, is not known here (${found.code}).`,
            "Look at this machine's DNS settings, and whether the lender has moved the registry.",
          );
        case "tcp":
          return findings.fail(
            `${name} does not answer at ${address} (${found.code}).`,
            `Allow outbound TCP to ${address} in the firewall; if it is allowed, ask the lender whether the registry is up.`,
          );
        case "tls":
          return findings.fail(
            `${name} at ${address} does not show the certificate that it should (${found.code}).`,
            "Take any proxy that breaks TLS open out of the way; if there is none, ask the lender before you go on.",
          );
        case "refused":
          return findings.fail(
            `${name} at ${address} does not take this host's certificate (${found.code}).`,
            "Start the agent, which renews an expired certificate; if it is refused still, the host is revoked: ask the lender.",
          );
      }
    },
  };
}
