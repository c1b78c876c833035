import { existsSync, readFileSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { CaliberError } from "../../protocol/errors.js";
import { replaceFile } from "../files/replaceFile.js";
import { syncDirectory } from "../files/syncDirectory.js";
import type { Identity } from "./identity.js";

export type IdentityFile = {
  exists(): boolean;
  /** @throws CaliberError NOT_ENROLLED, IDENTITY_MALFORMED */
  load(): Identity;
  save(identity: Identity): void;
  remove(): void;
};

/** The host's identity in its data directory: one file, so that certificate and registry never come from two times. */
export function identityFile(data_dir: string): IdentityFile {
  const path = join(data_dir, "identity.json");
  return {
    exists: () => existsSync(path),
    load() {
      if (!existsSync(path)) {
        throw new CaliberError("NOT_ENROLLED", `${data_dir} holds no identity; run caliber agent enroll`, {
          disposition: "user",
        });
      }
      try {
        const identity = JSON.parse(readFileSync(path, "utf8")) as Identity;
        // Written before there was a choice: the keys are files.
        if (identity.v === 1 && Array.isArray(identity.devices))
          return { ...identity, keys: identity.keys ?? { store: "file" } };
      } catch (cause) {
        throw new CaliberError("IDENTITY_MALFORMED", `${path} cannot be read`, {
          cause,
          disposition: "user",
        });
      }
      throw new CaliberError("IDENTITY_MALFORMED", `${path} is of another version`, { disposition: "user" });
    },
    save: (identity) => replaceFile(path, `${JSON.stringify(identity, null, 2)}\n`),
    remove() {
      if (!existsSync(path)) return;
      unlinkSync(path);
      syncDirectory(dirname(path));
    },
  };
}
