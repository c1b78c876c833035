import { hash, randomBytes } from "node:crypto";
import type { Db } from "../store/openDatabase.js";

/** What a token is good for, and nothing else: to read all there is, or to have loans approved. */
export const apiScopes = ["read", "approve"] as const;
export type ApiScope = (typeof apiScopes)[number];

export type ApiTokens = {
  /** Makes a token; the store keeps its hash alone. */
  create(name: string, scope?: ApiScope): string;
  /** Whether it is a token that may read. */
  isKnown(token: string): boolean;
  /** Null for what is no token. */
  scopeOf(token: string): ApiScope | null;
};

export function createApiTokens(db: Db): ApiTokens {
  const insert = db.prepare("INSERT INTO api_token VALUES (?, ?)");
  const limit = db.prepare("INSERT INTO api_token_scope VALUES (?, ?)");
  const read = db.prepare<[string], { scope: ApiScope | null }>(
    "SELECT scope FROM api_token LEFT JOIN api_token_scope USING (secret_sha256) WHERE secret_sha256 = ?",
  );
  const create = db.transaction((token: string, name: string, scope: ApiScope) => {
    const secret = hash("sha256", token, "hex");
    // Tokens made before there were scopes read; so do those that have none on record.
    if (scope !== "read") limit.run(secret, scope);
    insert.run(secret, name);
  });
  // Looked up by hash, so that timing tells nothing of the token.
  const scopeOf = (token: string): ApiScope | null => {
    const found = read.get(hash("sha256", token, "hex"));
    return found === undefined ? null : (found.scope ?? "read");
  };
  return {
    create(name, scope = "read") {
      const token = `caliber-${scope}-${randomBytes(32).toString("base64url")}`;
      create(token, name, scope);
      return token;
    },
    isKnown: (token) => scopeOf(token) === "read",
    scopeOf,
  };
}
