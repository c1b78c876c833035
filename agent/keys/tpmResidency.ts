import { createPublicKey, X509Certificate } from "node:crypto";
import { CaliberError } from "../../protocol/errors.js";
import { parseEcdsaSignature } from "../../protocol/tpm/parseEcdsaSignature.js";
import { tpm2b } from "../../protocol/tpm/tpm2b.js";
import type { Residency, TpmWord } from "./keyStore.js";
import { readTpmKeyFile } from "./tpmKeyFile.js";
import type { TpmTools } from "./tpmTools.js";

/** Where TPMs keep their maker's certificate (TCG EK Credential Profile, 2.2.1.4), and for which kind of key. */
const certificates = [
  { nvIndex: "0x1c00002", algorithm: "rsa" },
  { nvIndex: "0x1c0000a", algorithm: "ecc" },
] as const;

const akAttributes = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|sign";
/** Making an RSA key takes some TPMs many seconds. */
const making_ms = 60_000;
/** What tpm2_activatecredential reads: magic, version, TPM2B_ID_OBJECT, TPM2B_ENCRYPTED_SECRET. */
const credentialHeader = Buffer.from("badcc0de00000001", "hex");

/**
 * The TPM's side of an enrolment. Endorsement and attestation key come from the TPM's seed: nothing of them is kept. Keys are
 * named by their files' paths.
 */
export function createTpmResidency(
  tools: TpmTools,
  keys: {
    withKey: <T>(path: string, use: (context: string) => T) => T;
    pathOf: (uuid: string) => string;
  },
): Residency & { certifyFile(path: string, qualification: Buffer): TpmWord } {
  const { path, run, read, write } = tools;
  let made = false;

  const findCertificate = (): { algorithm: "rsa" | "ecc"; certificate: Buffer | null } => {
    for (const { nvIndex, algorithm } of certificates) {
      try {
        run("nvread", [nvIndex, "-o", path("ek.crt")], { outputs: ["ek.crt"] });
      } catch (error) {
        // An index that is not defined, which the tools tell no better than by failing.
        if (CaliberError.find(error, "TPM_FAILED")) continue;
        throw error;
      }
      // Written anew: some makers fill the index up behind the certificate.
      return { algorithm, certificate: new X509Certificate(read("ek.crt")).raw };
    }
    return { algorithm: "ecc", certificate: null };
  };
  const makeEk = (algorithm: "rsa" | "ecc"): void => {
    run("createek", ["-G", algorithm, "-c", path("ek.ctx"), "-u", path("ek.pub"), "-f", "pem", "-Q"], {
      outputs: ["ek.ctx", "ek.pub"],
      timeout_ms: making_ms,
    });
  };
  const makeAk = (): void => {
    const kind = ["-G", "ecc256:ecdsa-sha256:null", "-a", akAttributes];
    run("createprimary", ["-C", "e", ...kind, "-c", path("ak.ctx"), "-Q"], { outputs: ["ak.ctx"] });
    run("readpublic", ["-c", path("ak.ctx"), "-f", "tss", "-o", path("ak.pub"), "-Q"], {
      outputs: ["ak.pub"],
    });
  };
  const make = (): Buffer | null => {
    const { algorithm, certificate } = findCertificate();
    makeEk(algorithm);
    makeAk();
    made = true;
    return certificate;
  };

  const speak = (file: string, qualification: Buffer): TpmWord => {
    const { public: publicArea, creation_hash, creation_ticket } = readTpmKeyFile(file);
    write("creation.hash", creation_hash);
    write("creation.ticket", creation_ticket);
    const outputs = ["attest", "attest.sig"];
    keys.withKey(file, (context) => {
      const of = ["-c", context, "-d", path("creation.hash"), "-t", path("creation.ticket")];
      const by = ["-C", path("ak.ctx"), "-g", "sha256", "-q", qualification.toString("hex")];
      run("certifycreation", [...of, ...by, "--attestation", path("attest"), "-o", path("attest.sig")], {
        outputs,
      });
    });
    return {
      public: publicArea.subarray(2),
      attest: read("attest"),
      signature: parseEcdsaSignature(read("attest.sig")),
    };
  };

  return {
    endorsement() {
      const ek_certificate = make();
      const ek_spki = createPublicKey(read("ek.pub")).export({ format: "der", type: "spki" });
      return { ek_spki, ek_certificate, ak: read("ak.pub").subarray(2) };
    },
    activate({ idObject, encryptedSecret }) {
      if (!made) make();
      write("credential", Buffer.concat([credentialHeader, tpm2b(idObject), tpm2b(encryptedSecret)]));
      // The default template lets the endorsement key be used under a policy alone: the endorsement hierarchy's password.
      run("startauthsession", ["--policy-session", "-S", path("session.ctx")], { outputs: ["session.ctx"] });
      try {
        run("policysecret", ["-S", path("session.ctx"), "-c", "e", "-Q"]);
        const by = ["-c", path("ak.ctx"), "-C", path("ek.ctx"), "-P", `session:${path("session.ctx")}`];
        const io = ["-i", path("credential"), "-o", path("secret"), "-Q"];
        run("activatecredential", [...by, ...io], { outputs: ["secret"] });
        return read("secret");
      } finally {
        run("flushcontext", [path("session.ctx")]);
        write("secret", Buffer.alloc(0));
      }
    },
    certify(uuid, qualification) {
      if (!made) make();
      return speak(keys.pathOf(uuid), qualification);
    },
    certifyFile(path, qualification) {
      // Long after the enrolment: a saved context does not outlive a reset of the TPM.
      makeAk();
      return speak(path, qualification);
    },
  };
}
