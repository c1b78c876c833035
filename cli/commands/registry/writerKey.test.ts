import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { privateKeyToAddress } from "viem/accounts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openWriterKey } from "../../../registry/chain/openWriterKey.js";
import { run } from "./writerKey.js";

let dir: string;
let key_file: string;
let password_file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "caliber-key-"));
  key_file = join(dir, "writer.json");
  password_file = join(dir, "password");
});
afterEach(() => rmSync(dir, { recursive: true }));

async function printed(...argv: string[]) {
  let out = "";
  let err = "";
  const io = {
    out: (text: string) => {
      out += text;
    },
    err: (text: string) => {
      err += text;
    },
  };
  const files = ["--writer-key", key_file, "--writer-password", password_file];
  const code = await run([...argv, ...files], io);
  return { code, out, err };
}

describe("registry writer-key", () => {
  it("makes a keystore and its password, which show and the writer can open", async () => {
    const made = await printed("create", "--json");
    expect(made.code).toBe(0);
    const { address } = JSON.parse(made.out) as { address: string };
    expect(await printed("show")).toEqual({ code: 0, out: `${address}\n`, err: "" });
    for (const file of [key_file, password_file]) expect(statSync(file).mode & 0o777).toBe(0o600);
    const secret = await openWriterKey({ key_file, password_file, chain_id: 42_161 });
    expect(privateKeyToAddress(secret).toLowerCase()).toBe(address);
    expect(readFileSync(key_file, "utf8")).not.toContain(secret.slice(2));
    await expect(printed("create")).rejects.toMatchObject({ code: "KEY_FILE_EXISTS" });
    expect(await printed("show")).toMatchObject({ out: `${address}\n` });
  });

  it("takes over a plain key", async () => {
    const secret = `0x${"5a".repeat(32)}` as const;
    const plain = join(dir, "plain");
    writeFileSync(plain, `${secret}\n`, { mode: 0o600 });
    writeFileSync(password_file, "chosen by hand\n", { mode: 0o600 });
    const { out } = await printed("import", "--from", plain);
    expect(out).toBe(`${privateKeyToAddress(secret).toLowerCase()}\n`);
    expect(await openWriterKey({ key_file, password_file, chain_id: 42_161 })).toBe(secret);
    expect(readFileSync(password_file, "utf8")).toBe("chosen by hand\n");
  });

  it("tells what is wrong, and makes nothing then", async () => {
    expect(await printed("shred")).toMatchObject({ code: 64, out: "" });
    expect(await run([], { out: () => undefined, err: () => undefined })).toBe(64);
    await expect(printed("show")).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
    await expect(printed("import")).rejects.toMatchObject({ code: "OPTION_MISSING" });
    const plain = join(dir, "plain");
    writeFileSync(plain, "0x1234", { mode: 0o600 });
    await expect(printed("import", "--from", plain)).rejects.toMatchObject({ code: "KEY_FILE_MALFORMED" });
    expect([existsSync(key_file), existsSync(password_file)]).toEqual([false, false]);
  });
});
