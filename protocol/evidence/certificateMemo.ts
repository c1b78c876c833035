import { hash } from "node:crypto";
import { type ChainCertificate, readCertificate } from "./readCertificate.js";

/** What reading a certificate gave, by its bytes' SHA-256. Nothing that was verified is kept: reading is a pure function. */
export type CertificateMemo = {
  /** @throws CaliberError EVIDENCE_CHAIN_* */
  read(der: Buffer): ChainCertificate;
  /** Keeps it for the next time. For issuers in verified chains alone, so that no stranger can fill the memo. */
  keep(certificate: ChainCertificate): void;
};

export function certificateMemo(capacity: number): CertificateMemo {
  const kept = new Map<string, ChainCertificate>();
  return {
    read: (der) => kept.get(hash("sha256", der, "hex")) ?? readCertificate(der),
    keep(certificate) {
      if (kept.has(certificate.sha256)) return;
      const oldest = kept.size < capacity ? undefined : kept.keys().next().value;
      if (oldest !== undefined) kept.delete(oldest);
      kept.set(certificate.sha256, certificate);
    },
  };
}
