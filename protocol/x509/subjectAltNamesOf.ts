import asn1 from "node-forge/lib/asn1.js";
import { CaliberError } from "../errors.js";
import { decodeDer } from "./decodeDer.js";
import { derContents } from "./derContents.js";
import { x509Oids } from "./x509Oids.js";

/**
 * The names in a certificate, from its DER. OpenSSL's printed form is not used: it joins all names into one line, where
 * a crafted name can pass for two or for one of another type.
 *
 * @returns each GeneralName's context tag (6 is a URI, 2 a DNS name, 7 an IP address) and its bytes.
 * @throws CaliberError DER_MALFORMED
 */
export function subjectAltNamesOf(certificate: Buffer): { tag: number; bytes: Buffer }[] {
  const [tbs] = derContents.sequence(decodeDer(certificate));
  const block = derContents
    .sequence(tbs)
    .find((node) => node.tagClass === asn1.Class.CONTEXT_SPECIFIC && node.type === 3);
  const extensions = Array.isArray(block?.value) ? derContents.sequence(block.value[0]) : [];
  const found = extensions
    .map(derContents.sequence)
    .filter(([oid]) => derContents.oid(oid) === x509Oids.subjectAltName);
  return found.flatMap((extension) =>
    derContents.sequence(decodeDer(derContents.bytes(extension.at(-1), "OCTETSTRING"))).map((name) => {
      if (name.tagClass !== asn1.Class.CONTEXT_SPECIFIC) {
        throw new CaliberError("DER_MALFORMED", "a name has no context tag");
      }
      // A constructed name (otherName, directoryName) keeps its tag; nobody reads its contents.
      const bytes = typeof name.value === "string" ? Buffer.from(name.value, "latin1") : Buffer.alloc(0);
      return { tag: Number(name.type), bytes };
    }),
  );
}
