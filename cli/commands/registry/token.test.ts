import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseEnrolToken } from "../../../protocol/enrol/enrolToken.js";
import { readToken } from "../../up/readToken.js";
import { run as expiries } from "./expiries.js";
import { run as init } from "./init.js";
import { run as rebuild } from "./rebuild.js";
import { run as token } from "./token.js";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "caliber-token-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const printed = async (command: typeof token, ...argv: string[]): Promise<string> => {
  let out = "";
  const io = {
    out: (text: string) => {
      out += text;
    },
    err: () => undefined,
  };
  await command(argv, io);
  return out;
};
const recipient = `0x${"11".repeat(20)}`;
const create = (data_dir: string, over: string[] = []): Promise<string> => {
  const given = ["--url", "https://localhost:8443", "--recipient", recipient, "--operator", "me"];
  return printed(token, "create", "--data-dir", data_dir, ...given, ...over);
};

describe("registry token", () => {
  it("makes one for a registry that is there", async () => {
    await printed(init, "--data-dir", join(root, "r"));
    const made = parseEnrolToken((await create(join(root, "r"))).trim());
    expect(made.url).toBe("https://localhost:8443");
    const out = join(root, "keeper");
    await printed(token, "keeper", "--data-dir", join(root, "r"), "--name", "desk", "--out", out);
    expect(statSync(join(out, "desk.key.pem")).mode & 0o777).toBe(0o600);
    expect(await printed(expiries, "--data-dir", join(root, "r"))).toContain("keeper-certificate");
  });

  it("makes no registry where there is none, nor a key where one was taken away", async () => {
    const refused = { code: "REGISTRY_NOT_MADE" };
    for (const dir of [join(root, "nowhere"), root]) {
      await expect(create(dir)).rejects.toMatchObject(refused);
      await expect(printed(token, "api", "--data-dir", dir, "--name", "x")).rejects.toMatchObject(refused);
      const keeper = ["keeper", "--data-dir", dir, "--name", "x", "--out", join(root, "out")];
      await expect(printed(token, ...keeper)).rejects.toMatchObject(refused);
      await expect(printed(expiries, "--data-dir", dir)).rejects.toMatchObject(refused);
      await expect(printed(rebuild, "--data-dir", dir)).rejects.toMatchObject(refused);
    }
    expect(readdirSync(root)).toEqual([]);
    await printed(init, "--data-dir", join(root, "r"));
    rmSync(join(root, "r", "keys", "receipt.key"));
    await expect(create(join(root, "r"))).rejects.toMatchObject(refused);
    await expect(printed(init, "--data-dir", join(root, "r"))).rejects.toMatchObject({
      code: "REGISTRY_KEY_MISSING",
    });
    expect(existsSync(join(root, "r", "keys", "receipt.key"))).toBe(false);
    // A token that was made before the first start, as caliber up does, is no log.
    readToken(join(root, "api.token"), join(root, "up"));
    expect(await printed(init, "--data-dir", join(root, "up"))).toContain("log key");
  });

  it.each([
    ["RECIPIENT_INVALID", ["--recipient", "0x123"]],
    ["URL_INVALID", ["--url", "http://localhost:8443"]],
    ["URL_INVALID", ["--url", "localhost:8443"]],
    ["EK_HASH_INVALID", ["--ek", "ab"]],
    ["OPTION_INVALID", ["--valid", "soon"]],
  ])("refuses with %s: %s", async (code, over) => {
    await printed(init, "--data-dir", join(root, "r"));
    await expect(create(join(root, "r"), over)).rejects.toMatchObject({ code });
  });
});
