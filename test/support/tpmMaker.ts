import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A maker of TPMs with a root and, below it, the authority that certifies endorsement keys. */
export type TpmMaker = {
  /** Directory with the root and the issuing authority, as `--tpm-roots` takes it. */
  roots: string;
  /** PEM of the issuing authority. */
  issuing: string;
  /**
   * Certificate (DER) for an endorsement key.
   *
   * @param usage extended key usage; as the TCG asks for it when left out.
   */
  issue(ekPem: string, options?: { usage?: string; days?: number; isCa?: boolean }): Buffer;
};

const ekUsage = "2.23.133.8.1";

/** Makes the maker's keys and certificates with openssl, in a directory of the caller's. */
export function tpmMaker(directory: string, name = "maker"): TpmMaker {
  const home = join(directory, name);
  const roots = join(home, "roots");
  mkdirSync(roots, { recursive: true });
  const at = (file: string): string => join(home, file);
  const openssl = (...args: string[]): void => void execFileSync("openssl", args, { stdio: "pipe" });
  const newKey = (file: string): void =>
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", at(file));
  const ca = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";
  let serial = 0;
  const sign = (
    subject: string,
    pem: string,
    by: string | null,
    extensions: string,
    days: number,
  ): string => {
    serial += 1;
    const out = at(`${serial}.pem`);
    writeFileSync(at(`${serial}.ext`), extensions);
    writeFileSync(at(`${serial}.pub`), pem);
    openssl("req", "-new", "-key", at("leaf.key"), "-subj", `/CN=${subject}`, "-out", at(`${serial}.csr`));
    const issuer =
      by === null ? ["-signkey", at("root.key")] : ["-CA", at(`${by}.pem`), "-CAkey", at(`${by}.key`)];
    const of = ["x509", "-req", "-in", at(`${serial}.csr`), "-extfile", at(`${serial}.ext`), "-out", out];
    openssl(
      ...of,
      ...issuer,
      "-force_pubkey",
      at(`${serial}.pub`),
      "-set_serial",
      String(serial),
      "-days",
      String(days),
    );
    return readFileSync(out, "utf8");
  };
  const publicOf = (file: string): string =>
    execFileSync("openssl", ["pkey", "-in", at(file), "-pubout"], { encoding: "utf8" });

  for (const file of ["root.key", "issuing.key", "leaf.key"]) newKey(file);
  writeFileSync(at("root.pem"), sign(`${name} root`, publicOf("root.key"), null, ca, 3650));
  writeFileSync(at("issuing.pem"), sign(`${name} issuing`, publicOf("issuing.key"), "root", ca, 3650));
  writeFileSync(
    join(roots, "makers.pem"),
    readFileSync(at("root.pem"), "utf8") + readFileSync(at("issuing.pem"), "utf8"),
  );
  return {
    roots,
    issuing: readFileSync(at("issuing.pem"), "utf8"),
    issue(ekPem, { usage = ekUsage, days = 365, isCa = false } = {}) {
      const extensions = `basicConstraints=critical,CA:${isCa ? "TRUE" : "FALSE"}\nkeyUsage=critical,${isCa ? "keyCertSign" : "keyEncipherment"}\nextendedKeyUsage=${usage}\n`;
      const pem = sign("endorsement key", ekPem, "issuing", extensions, days);
      return Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64");
    },
  };
}
