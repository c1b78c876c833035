import { hash } from "node:crypto";
import { readdirSync, rmSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { deviceIdOf } from "../../protocol/crypto/deviceIdOf.js";
import { publicKeyFromSpki } from "../../protocol/crypto/spki.js";
import { verifyEs256 } from "../../protocol/crypto/verifyEs256.js";
import { CaliberError } from "../../protocol/errors.js";
import { parseEccPublic } from "../../protocol/tpm/parseEccPublic.js";
import { parseEcdsaSignature } from "../../protocol/tpm/parseEcdsaSignature.js";
import { syncDirectory } from "../files/syncDirectory.js";
import { fileKeyStore } from "./fileKeyStore.js";
import type { KeyStore } from "./keyStore.js";
import { readTpmKeyFile, tpmKeyExists, tpmKeyPath, writeTpmKeyFile } from "./tpmKeyFile.js";
import { createTpmResidency } from "./tpmResidency.js";
import { createTpmTools } from "./tpmTools.js";

/** noDA: an empty password cannot be guessed wrong, and a TPM in lockout must not silence a device. */
const attributes = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|sign";

/**
 * Device keys in a TPM 2.0, reached by tpm2-tools: P-256, made in the TPM, and on disk only as the TPM wrapped them. The
 * host's key stays a file, since TLS wants it.
 *
 * Signing waits for the TPM, as the agent signs within the transaction that keeps the report. The hierarchies of the
 * owner and of endorsement must have no password.
 *
 * @throws CaliberError TCTI_INVALID, KEY_FILE_PERMISSIONS
 */
export function tpmKeyStore(directory: string, tcti: string): KeyStore {
  const files = fileKeyStore(directory);
  const scratch = join(directory, "tpm");
  const tools = createTpmTools(scratch, tcti);
  let hasParent = false;
  const loaded = new Set<string>();

  /** The owner's storage key: the same every time, from the TPM's seed. */
  const parent = (): string => {
    if (!hasParent) {
      const outputs = ["parent.ctx"];
      tools.run("createprimary", ["-C", "o", "-G", "ecc256", "-c", tools.path("parent.ctx"), "-Q"], {
        outputs,
      });
      hasParent = true;
    }
    return tools.path("parent.ctx");
  };
  const load = (uuid: string): string => {
    const name = `${hash("sha256", uuid, "hex").slice(0, 40)}.ctx`;
    if (loaded.has(uuid)) return tools.path(name);
    const key = readTpmKeyFile(tpmKeyPath(directory, uuid));
    tools.write("key.pub", key.public);
    tools.write("key.priv", key.private);
    const from = ["-C", parent(), "-u", tools.path("key.pub"), "-r", tools.path("key.priv")];
    tools.run("load", [...from, "-c", tools.path(name), "-Q"], { outputs: [name] });
    loaded.add(uuid);
    return tools.path(name);
  };
  /** Saved contexts do not outlive a reset of the TPM, which can happen under a running agent: made anew once. */
  const withKey = <T>(uuid: string, use: (context: string) => T): T => {
    const isFresh = !loaded.has(uuid);
    try {
      return use(load(uuid));
    } catch (error) {
      if (isFresh || !CaliberError.find(error, "TPM_FAILED")) throw error;
      hasParent = false;
      loaded.clear();
      return use(load(uuid));
    }
  };
  const signDigest = (context: string, digest: Buffer): Buffer => {
    tools.write("digest", digest);
    const out = ["-o", tools.path("signature"), tools.path("digest")];
    tools.run("sign", ["-c", context, "-g", "sha256", "-d", ...out], { outputs: ["signature"] });
    return parseEcdsaSignature(tools.read("signature"));
  };
  const create = (uuid: string): void => {
    const outputs = ["new.pub", "new.priv", "new.hash", "new.ticket"];
    const [pub, priv, digest, ticket] = outputs.map(tools.path) as [string, string, string, string];
    const out = ["-u", pub, "-r", priv, "-d", digest, "-t", ticket, "-Q"];
    tools.run("create", ["-C", parent(), "-G", "ecc256:ecdsa-sha256", "-a", attributes, ...out], { outputs });
    writeTpmKeyFile(tpmKeyPath(directory, uuid), {
      public: tools.read("new.pub"),
      private: tools.read("new.priv"),
      creation_hash: tools.read("new.hash"),
      creation_ticket: tools.read("new.ticket"),
    });
  };

  return {
    hostKey: files.hostKey,
    deviceKey(uuid) {
      const { spki } = parseEccPublic(readTpmKeyFile(tpmKeyPath(directory, uuid)).public.subarray(2));
      const publicKey = publicKeyFromSpki(spki);
      return {
        id: deviceIdOf(spki),
        spki,
        inTpm: true,
        sign(message) {
          const signature = withKey(uuid, (context) =>
            signDigest(context, hash("sha256", message, "buffer")),
          );
          // A signature that nobody can verify would end the chain: a seq is signed once.
          verifyEs256(message, signature, publicKey);
          return signature;
        },
      };
    },
    create(uuids) {
      files.create([]);
      for (const uuid of uuids) if (!tpmKeyExists(directory, uuid)) create(uuid);
    },
    createSuccessor() {
      throw new CaliberError(
        "ROTATION_IN_TPM",
        "keys in a TPM cannot be rotated by this version: retire the GPU and enrol it again",
        { disposition: "user" },
      );
    },
    // One key a GPU, since none can be rotated.
    discardFormer: () => undefined,
    discard(uuid) {
      rmSync(tpmKeyPath(directory, uuid), { force: true });
      syncDirectory(directory);
      loaded.delete(uuid);
    },
    destroy() {
      files.destroy();
      for (const name of readdirSync(directory)) if (name.endsWith(".tpm")) unlinkSync(join(directory, name));
      rmSync(scratch, { recursive: true, force: true });
      syncDirectory(directory);
    },
    residency: createTpmResidency(tools, {
      withKey,
      keyFile: (uuid) => readTpmKeyFile(tpmKeyPath(directory, uuid)),
    }),
  };
}
