import { hash, randomBytes } from "node:crypto";
import type { Db } from "../store/openDatabase.js";

export type ApiTokens = {
  /** Makes a read token; the store keeps its hash alone. */
  create(name: string): string;
  isKnown(token: string): boolean;
};

export function createApiTokens(db: Db): ApiTokens {
  const insert = db.prepare("INSERT INTO api_token VALUES (?, ?)");
  const read = db.prepare("SELECT 1 FROM api_token WHERE secret_sha256 = ?");
  return {
    create(name) {
      const token = `caliber-read-${randomBytes(32).toString("base64url")}`;
      insert.run(hash("sha256", token, "hex"), name);
      return token;
    },
    // Looked up by hash, so that timing tells nothing of the token.
    isKnown: (token) => read.get(hash("sha256", token, "hex")) !== undefined,
  };
}
