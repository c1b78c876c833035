import { generateKeyPairSync, hash, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nrasIssuer } from "../../../protocol/evidence/eat/verifyEatToken.js";
import { run } from "./verify.js";

const service = generateKeyPairSync("ec", { namedCurve: "P-384" });
const nonce = "5a".repeat(32);
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const tokenOf = (body: object, header: object = {}): string => {
  const now_s = Math.floor(Date.now() / 1000);
  const claims = { iss: nrasIssuer, iat: now_s, exp: now_s + 600, eat_nonce: nonce, ...body };
  const text = `${part({ alg: "ES384", kid: "k", ...header })}.${part(claims)}`;
  const by = { key: service.privateKey, dsaEncoding: "ieee-p1363" } as const;
  return `${text}.${sign("sha384", Buffer.from(text), by).toString("base64url")}`;
};
const device = tokenOf({ hwmodel: "GH100 A01 GSP BROM", measres: "success" });
const submods = { "GPU-0": ["DIGEST", ["SHA-256", hash("sha256", device, "hex")]] };
const overall = { "x-nvidia-overall-att-result": true, submods };
const bundle = (token = tokenOf(overall)): unknown => [["JWT", token], { "GPU-0": device }];

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "caliber-eat-"));
  const jwk = { ...service.publicKey.export({ format: "jwk" }), kid: "k" };
  writeFileSync(join(dir, "jwks.json"), JSON.stringify({ keys: [jwk] }));
});
afterEach(() => rmSync(dir, { recursive: true }));

async function printed(
  content: unknown,
  over: string[] = [],
): Promise<{ code: number; out: string; err: string }> {
  const told = { out: "", err: "" };
  const text = typeof content === "string" ? content : JSON.stringify(content);
  writeFileSync(join(dir, "bundle.json"), text);
  const files = ["--eat", join(dir, "bundle.json"), "--jwks", join(dir, "jwks.json"), "--nonce", nonce];
  const io = {
    out(line: string) {
      told.out += line;
    },
    err(line: string) {
      told.err += line;
    },
  };
  return { code: await run([...files, ...over], io), ...told };
}

describe("caliber evidence verify --eat", () => {
  it("tells what the service says of each device", async () => {
    expect(await printed(bundle())).toEqual({
      code: 0,
      out: `"GPU-0": ${nrasIssuer} says that it is attested
  hwmodel                     "GH100 A01 GSP BROM"
  measres                     "success"
`,
      err: "",
    });
    const { out } = await printed(bundle(), ["--json"]);
    expect(JSON.parse(out)).toMatchObject({ verified: true, devices: [{ name: "GPU-0" }] });
  });

  it.each([
    ["EAT_ALG_NONE", bundle(`${part({ alg: "none" })}.${part(overall)}.`)],
    ["EAT_ISSUER_LOCAL", bundle(tokenOf({ ...overall, iss: "NVAT-LOCAL-VERIFIER" }))],
    ["EAT_NONCE_MISMATCH", bundle(tokenOf({ ...overall, eat_nonce: "00".repeat(32) }))],
    ["EAT_EXPIRED", bundle(tokenOf({ ...overall, exp: 1 }))],
    ["EAT_MALFORMED", "no JSON"],
  ])("refuses with %s", async (code, content) => {
    const told = await printed(content);
    expect(told).toMatchObject({ code: 1, out: "" });
    expect(told.err).toContain(code);
    const { out } = await printed(content, ["--json"]);
    expect(JSON.parse(out)).toMatchObject({ verified: false, error: { code } });
  });

  it("wants a key set and a nonce", async () => {
    writeFileSync(join(dir, "jwks.json"), "[]");
    await expect(printed(bundle())).rejects.toMatchObject({ code: "JWKS_MALFORMED" });
    const io = { out: () => undefined, err: () => undefined };
    await expect(run(["--eat", "x"], io)).rejects.toMatchObject({ code: "OPTION_MISSING" });
    await expect(run(["--eat", "x", "--nonce", nonce], io)).rejects.toMatchObject({ code: "OPTION_MISSING" });
  });
});
