import { generateKeyPairSync } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { CaliberError } from "../../protocol/errors.js";
import { isHostId } from "../../protocol/topics.js";
import { writePrivateFile } from "../keys/writePrivateFile.js";
import type { Ca } from "./createCa.js";
import { issueClientCertificate } from "./issueClientCertificate.js";

export type KeeperFiles = { key: string; certificate: string; ca: string };

/**
 * Issues a keeper's key and read certificate into a directory: `<keeper>.key.pem`, `<keeper>.crt.pem`, `<keeper>.ca.pem`,
 * each of mode 0600. Nothing that exists is replaced: EEXIST.
 *
 * @returns the paths.
 * @throws CaliberError KEEPER_NAME_INVALID
 */
export function keeperCertificate(
  ca: Ca,
  options: { keeper: string; directory: string; now_ms: number; lifetime_ms: number },
): KeeperFiles {
  const { keeper, directory, now_ms, lifetime_ms } = options;
  // Both kinds of clients share the broker's client ids, and those of hosts begin with "h-".
  if (!isHostId(keeper) || keeper.startsWith("h-")) {
    throw new CaliberError(
      "KEEPER_NAME_INVALID",
      "a keeper's name has 1 to 64 of a-z, 0-9 and -, and does not begin with h-",
      { disposition: "user" },
    );
  }
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const certificate = issueClientCertificate(ca, { role: "keeper", id: keeper }, spkiOf(privateKey), {
    now_ms,
    lifetime_ms,
  });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const files = {
    key: join(directory, `${keeper}.key.pem`),
    certificate: join(directory, `${keeper}.crt.pem`),
    ca: join(directory, `${keeper}.ca.pem`),
  };
  writePrivateFile(files.key, privateKey.export({ type: "pkcs8", format: "pem" }) as string);
  writePrivateFile(files.certificate, certificate);
  writePrivateFile(files.ca, ca.certificate);
  return files;
}
