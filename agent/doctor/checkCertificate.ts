import { X509Certificate } from "node:crypto";
import type { Check } from "./check.js";
import { findings } from "./findings.js";

const hour_ms = 3_600_000;

/** Is the host's certificate valid now, and was it renewed in time (two thirds of its life, and up to a twelfth more)? */
export function checkCertificate(certificate: string, now_ms: number): Check {
  return {
    id: "certificate",
    run() {
      const { validFrom, validTo } = new X509Certificate(certificate);
      const from_ms = Date.parse(validFrom);
      const to_ms = Date.parse(validTo);
      const until = new Date(to_ms).toISOString();
      if (now_ms < from_ms) {
        return findings.fail(
          `The host's certificate is not valid before ${new Date(from_ms).toISOString()}.`,
          "Set this machine's clock right.",
        );
      }
      if (now_ms >= to_ms) {
        return findings.fail(
          `The host's certificate ended on ${until}.`,
          "Start the agent: it renews by its key as long as the host is not revoked. If it says that it is, ask the lender.",
        );
      }
      const due_ms = from_ms + (to_ms - from_ms) * (2 / 3 + 1 / 12);
      if (now_ms > due_ms) {
        return findings.warn(
          `The host's certificate ends on ${until}, in ${Math.floor((to_ms - now_ms) / hour_ms)} h, and was not renewed yet.`,
          "See that the agent runs and that it can reach the registry's enrolment address.",
        );
      }
      return findings.ok(`The host's certificate is valid until ${until}.`);
    },
  };
}
