// The ASN.1 codec alone. node-forge's main entry would load all of it, ciphers and RSA included, and the agent's
// memory budget is tight; the package types only that entry.
declare module "node-forge/lib/asn1.js" {
  import type { asn1 } from "node-forge";

  type Options = { strict: boolean; parseAllBytes: boolean; decodeBitStrings: boolean; maxDepth: number };
  const codec: Omit<typeof asn1, "fromDer"> & { fromDer(bytes: string, options: Options): asn1.Asn1 };
  export default codec;
}
