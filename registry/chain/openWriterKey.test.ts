import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sealKeystore } from "./keystore/sealKeystore.js";
import { openWriterKey } from "./openWriterKey.js";

const secret = `0x${"5a".repeat(32)}` as const;
const arbitrum = 42_161;
let dir: string;
let key_file: string;
let password_file: string;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "caliber-key-"));
  key_file = join(dir, "writer.json");
  password_file = join(dir, "password");
  writeFileSync(key_file, JSON.stringify(await sealKeystore(secret, "pass word", 1024)), { mode: 0o600 });
  writeFileSync(password_file, "pass word\nnot this\n", { mode: 0o600 });
});
afterEach(() => rmSync(dir, { recursive: true }));

describe("the writer's key", () => {
  it("comes from a keystore and a password file's first line, on any chain", async () => {
    for (const chain_id of [arbitrum, 31_337]) {
      expect(await openWriterKey({ key_file, password_file, chain_id })).toBe(secret);
    }
  });

  it("does not come from files that others may read", async () => {
    for (const file of [password_file, key_file]) {
      chmodSync(file, 0o640);
      await expect(openWriterKey({ key_file, password_file, chain_id: arbitrum })).rejects.toMatchObject({
        code: "KEY_FILE_PERMISSIONS",
      });
      chmodSync(file, 0o600);
    }
  });

  it("is never plain, and never made by itself, but on the development chain", async () => {
    const plain = join(dir, "plain");
    writeFileSync(plain, `${secret}\n`, { mode: 0o600 });
    const open = (file: string, chain_id: number) =>
      openWriterKey({ key_file: file, password_file: null, chain_id });
    const refusal: unknown = await open(plain, arbitrum).catch((error) => error);
    expect(refusal).toMatchObject({ code: "WRITER_KEY_PLAIN" });
    expect(String(refusal)).not.toContain(secret.slice(2));
    expect(await open(plain, 31_337)).toBe(secret);
    const missing = join(dir, "missing");
    await expect(open(missing, arbitrum)).rejects.toMatchObject({ code: "WRITER_KEY_MISSING" });
    expect(existsSync(missing)).toBe(false);
  });

  it.each([
    ["WRITER_PASSWORD_MISSING", () => null],
    ["FILE_UNREADABLE", () => join(dir, "none")],
    [
      "PASSWORD_EMPTY",
      () => {
        writeFileSync(password_file, "\nx");
        return password_file;
      },
    ],
    [
      "KEYSTORE_PASSWORD_WRONG",
      () => {
        writeFileSync(password_file, "pass word ");
        return password_file;
      },
    ],
  ])("tells by %s what its password file lacks", async (code, file) => {
    await expect(
      openWriterKey({ key_file, password_file: file(), chain_id: arbitrum }),
    ).rejects.toMatchObject({ code });
  });
});
