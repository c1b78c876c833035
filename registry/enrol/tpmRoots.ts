import { hash, X509Certificate } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CaliberError } from "../../protocol/errors.js";

/** Makers' certificates that an operator trusts to certify endorsement keys. */
export type TpmRoots = {
  /**
   * The root (SHA-256 of its DER) that an endorsement certificate leads to.
   *
   * @throws CaliberError EK_CERTIFICATE_UNTRUSTED, EK_CERTIFICATE_EXPIRED
   */
  verify(certificate: X509Certificate, now_ms: number): string;
};

/** Longest way from an endorsement certificate to its root. */
const longestChain = 6;
const pemBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Reads a directory of makers' certificates (PEM, one or more a file, or DER): those signed by themselves are roots, the
 * others authorities between. They come from the operator alone; a host sends the one certificate of its key.
 *
 * @throws CaliberError TPM_ROOTS_INVALID when a file holds none, one is no CA, or there is no root
 */
export function loadTpmRoots(directory: string): TpmRoots {
  const authorities = readAuthorities(directory);
  const isRoot = (one: X509Certificate): boolean => one.checkIssued(one) && one.verify(one.publicKey);
  if (!authorities.some(isRoot)) throw invalid(`${directory} holds no root certificate`);
  return {
    verify(certificate, now_ms) {
      let current = certificate;
      for (let length = 0; length < longestChain; length += 1) {
        checkTime(current, now_ms);
        if (length > 0 && isRoot(current)) return hash("sha256", current.raw, "hex");
        const issuer = authorities.find((one) => current.checkIssued(one) && current.verify(one.publicKey));
        if (issuer === undefined) break;
        current = issuer;
      }
      throw new CaliberError(
        "EK_CERTIFICATE_UNTRUSTED",
        "the endorsement certificate leads to no trusted maker",
      );
    },
  };
}

function readAuthorities(directory: string): X509Certificate[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (cause) {
    throw new CaliberError("TPM_ROOTS_INVALID", `${directory} cannot be read`, {
      cause,
      disposition: "user",
    });
  }
  return names.sort().flatMap((name) => {
    const path = join(directory, name);
    try {
      const bytes = readFileSync(path);
      const blocks = bytes.toString("latin1").match(pemBlock) ?? [bytes];
      const certificates = blocks.map((block) => new X509Certificate(block));
      if (certificates.every(({ ca }) => ca)) return certificates;
    } catch (cause) {
      throw new CaliberError("TPM_ROOTS_INVALID", `${path} holds no certificate`, {
        cause,
        disposition: "user",
      });
    }
    throw invalid(`${path} holds a certificate that is no CA's`);
  });
}

function checkTime({ validFrom, validTo, subject }: X509Certificate, now_ms: number): void {
  if (now_ms >= Date.parse(validFrom) && now_ms <= Date.parse(validTo)) return;
  throw new CaliberError("EK_CERTIFICATE_EXPIRED", `not valid at this time: ${subject.slice(0, 100)}`);
}

function invalid(why: string): CaliberError {
  return new CaliberError("TPM_ROOTS_INVALID", why, { disposition: "user" });
}
