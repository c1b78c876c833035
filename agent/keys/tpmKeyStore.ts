import { hash } from "node:crypto";
import { existsSync, readdirSync, rmSync, unlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { deviceIdOf } from "../../protocol/crypto/deviceIdOf.js";
import { publicKeyFromSpki } from "../../protocol/crypto/spki.js";
import { verifyEs256 } from "../../protocol/crypto/verifyEs256.js";
import { CaliberError } from "../../protocol/errors.js";
import { parseEccPublic } from "../../protocol/tpm/parseEccPublic.js";
import { parseEcdsaSignature } from "../../protocol/tpm/parseEcdsaSignature.js";
import { syncDirectory } from "../files/syncDirectory.js";
import { fileKeyStore } from "./fileKeyStore.js";
import type { KeyStore, SigningKey } from "./keyStore.js";
import {
  readTpmKeyFile,
  type TpmKeyFile,
  tpmKeyExists,
  tpmKeyPath,
  tpmKeyStem,
  writeTpmKeyFile,
} from "./tpmKeyFile.js";
import { createTpmResidency } from "./tpmResidency.js";
import { createTpmTools } from "./tpmTools.js";

/**
 * noDA, of a key and of the one that wraps it: an empty password cannot be guessed wrong, and a TPM in lockout, as it is after
 * some power cuts, must not silence a device. The parent's are those of the TCG's storage root key.
 */
const common = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda";
const attributes = `${common}|sign`;
const parentAttributes = `${common}|restricted|decrypt`;

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
      const kind = ["-C", "o", "-G", "ecc256", "-a", parentAttributes];
      tools.run("createprimary", [...kind, "-c", tools.path("parent.ctx"), "-Q"], {
        outputs: ["parent.ctx"],
      });
      hasParent = true;
    }
    return tools.path("parent.ctx");
  };
  const load = (path: string): string => {
    const name = contextOf(path);
    if (loaded.has(path)) return tools.path(name);
    const key = readTpmKeyFile(path);
    tools.write("key.pub", key.public);
    tools.write("key.priv", key.private);
    const from = ["-C", parent(), "-u", tools.path("key.pub"), "-r", tools.path("key.priv")];
    tools.run("load", [...from, "-c", tools.path(name), "-Q"], { outputs: [name] });
    loaded.add(path);
    return tools.path(name);
  };
  /** Saved contexts do not outlive a reset of the TPM, which can happen under a running agent: made anew once. */
  const withContexts = <T>(use: () => T): T => {
    const isFresh = !hasParent;
    try {
      return use();
    } catch (error) {
      if (isFresh || !CaliberError.find(error, "TPM_FAILED")) throw error;
      hasParent = false;
      loaded.clear();
      return use();
    }
  };
  const withKey = <T>(path: string, use: (context: string) => T): T => withContexts(() => use(load(path)));
  const signDigest = (context: string, digest: Buffer): Buffer => {
    tools.write("digest", digest);
    const out = ["-o", tools.path("signature"), tools.path("digest")];
    tools.run("sign", ["-c", context, "-g", "sha256", "-d", ...out], { outputs: ["signature"] });
    return parseEcdsaSignature(tools.read("signature"));
  };
  const make = (): TpmKeyFile => {
    const outputs = ["new.pub", "new.priv", "new.hash", "new.ticket"];
    const [pub, priv, digest, ticket] = outputs.map(tools.path) as [string, string, string, string];
    const out = ["-u", pub, "-r", priv, "-d", digest, "-t", ticket, "-Q"];
    const kind = ["-G", "ecc256:ecdsa-sha256", "-a", attributes];
    withContexts(() => tools.run("create", ["-C", parent(), ...kind, ...out], { outputs }));
    return {
      public: tools.read("new.pub"),
      private: tools.read("new.priv"),
      creation_hash: tools.read("new.hash"),
      creation_ticket: tools.read("new.ticket"),
    };
  };
  const residency = createTpmResidency(tools, { withKey, pathOf: (uuid) => tpmKeyPath(directory, uuid) });
  const signingKey = (path: string): SigningKey => {
    const spki = spkiIn(readTpmKeyFile(path));
    const publicKey = publicKeyFromSpki(spki);
    return {
      id: deviceIdOf(spki),
      spki,
      inTpm: true,
      sign(message) {
        const signature = withKey(path, (context) => signDigest(context, hash("sha256", message, "buffer")));
        // A signature that nobody can verify would end the chain: a seq is signed once.
        verifyEs256(message, signature, publicKey);
        return signature;
      },
      certify: (qualification) => residency.certifyFile(path, qualification),
    };
  };

  const removeKeys = (uuid: string, but: string | null): void => {
    const own = tpmKeyStem(uuid);
    for (const name of readdirSync(directory)) {
      const path = join(directory, name);
      if (!name.startsWith(own) || !name.endsWith(".tpm") || path === but) continue;
      rmSync(path, { force: true });
      // What the TPM saved of a loaded key is of use until it is reset.
      rmSync(tools.path(contextOf(path)), { force: true });
      loaded.delete(path);
    }
    syncDirectory(directory);
  };

  return {
    hostKey: files.hostKey,
    deviceKey(uuid, device) {
      const next = device === undefined ? null : tpmKeyPath(directory, uuid, device);
      return signingKey(next !== null && existsSync(next) ? next : tpmKeyPath(directory, uuid));
    },
    create(uuids) {
      files.create([]);
      for (const uuid of uuids) {
        if (!tpmKeyExists(directory, uuid)) writeTpmKeyFile(tpmKeyPath(directory, uuid), make());
      }
    },
    createSuccessor(uuid) {
      const key = make();
      const path = tpmKeyPath(directory, uuid, deviceIdOf(spkiIn(key)));
      writeTpmKeyFile(path, key);
      return signingKey(path);
    },
    discardFormer(uuid, device) {
      const inForce = tpmKeyPath(directory, uuid, device);
      // The first key of all is filed without its id, and nothing came before it.
      if (existsSync(inForce)) removeKeys(uuid, inForce);
    },
    discard: (uuid) => removeKeys(uuid, null),
    destroy() {
      files.destroy();
      for (const name of readdirSync(directory)) if (name.endsWith(".tpm")) unlinkSync(join(directory, name));
      rmSync(scratch, { recursive: true, force: true });
      syncDirectory(directory);
    },
    residency,
  };
}

const contextOf = (path: string): string => `${basename(path, ".tpm")}.ctx`;

function spkiIn(key: TpmKeyFile): Buffer {
  return parseEccPublic(key.public.subarray(2)).spki;
}
