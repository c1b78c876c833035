import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { run } from "./approve.js";

const approved = {
  loan: "0x01",
  gate: "0x02",
  approved: true,
  approval: { token_ids: ["1", "2"], fingerprints: [], deadline_s: 1_800_000_000 },
  attestor_signature: { attestor: "0x03", signature: "0x04" },
  threshold: 1,
  signature: "0x05",
};
const refused = {
  loan: "0x01",
  gate: "0x02",
  approved: false,
  failures: [
    { code: "NOT_STAGED", token_id: null, text: "nothing there" },
    { code: "HEALTH_REFUSED", token_id: "2", text: "lost: gpu_lost" },
  ],
};

let directory: string;
let server: Server;
let asked: { authorization: string | undefined; body: unknown }[];
let answer: { status: number; body: unknown };
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "caliber-approve-"));
  writeFileSync(join(directory, "token"), "caliber-approve-x\n");
  writeFileSync(join(directory, "terms.json"), '{"options":"0x"}');
  asked = [];
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => {
      text += chunk;
    });
    request.on("end", () => {
      asked.push({ authorization: request.headers.authorization, body: JSON.parse(text) });
      response.writeHead(answer.status).end(JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

async function approve(...more: string[]) {
  let out = "";
  const io = {
    out(text: string) {
      out += text;
    },
    err: () => undefined,
  };
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const files = ["--terms", join(directory, "terms.json"), "--token-file", join(directory, "token")];
  return { code: await run([...files, "--api", api, ...more], io), out };
}

describe("caliber registry approve", () => {
  it("gives the signature, or what other attestors still have to sign", async () => {
    answer = { status: 200, body: approved };
    const { code, out } = await approve();
    expect([code, out]).toEqual([
      0,
      "loan 0x01 is approved until 2027-01-15T08:00:00.000Z, on tokens 1, 2\n  signature for gate 0x02: 0x05\n",
    ]);
    expect(asked).toEqual([
      { authorization: "Bearer caliber-approve-x", body: { terms: { options: "0x" } } },
    ]);
    answer.body = { ...approved, threshold: 2, signature: null };
    expect((await approve()).out).toContain("2 attestors must sign; 0x03 has: 0x04");
  });

  it("tells everything that is wrong, with exit code 1", async () => {
    answer = { status: 200, body: refused };
    expect(await approve()).toEqual({
      code: 1,
      out: "loan 0x01 is not approved\n  loan: NOT_STAGED: nothing there\n  token 2: HEALTH_REFUSED: lost: gpu_lost\n",
    });
    const { code, out } = await approve("--json", "--valid", "2h");
    expect([code, JSON.parse(out)]).toEqual([1, refused]);
    const { deadline_s } = asked[1]!.body as { deadline_s: number };
    expect(Math.abs(deadline_s - (Date.now() / 1000 + 7200))).toBeLessThan(60);
  });

  it("asks for the very deadline that other attestors are asked for", async () => {
    answer = { status: 200, body: approved };
    await approve("--until", "2027-01-15T08:00:00.000Z");
    expect(asked[0]!.body).toMatchObject({ deadline_s: 1_800_000_000 });
    for (const wrong of [
      ["--until", "tomorrow"],
      ["--until", "2027-01-15T08:00:00Z", "--valid", "1h"],
    ])
      await expect(approve(...wrong)).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });

  it("makes one signature of what several attestors have signed, and asks no registry", async () => {
    const of = (byte: string, bytes: number) => `0x${byte.repeat(bytes)}`;
    const combine = ["01", "02"].flatMap((byte) => {
      const path = join(directory, `${byte}.json`);
      const body = {
        ...approved,
        loan: of("aa", 32),
        gate: of("bb", 20),
        approval: { ...approved.approval, loan: of("aa", 32), fingerprints: [of("0f", 32), of("0e", 32)] },
        attestor_signature: { attestor: of(byte, 20), signature: of(byte, 65) },
        threshold: 2,
        signature: null,
      };
      writeFileSync(path, JSON.stringify(body));
      return ["--combine", path];
    });
    const { code, out } = await approve(...combine, "--json");
    expect([code, asked]).toEqual([0, []]);
    const combined = JSON.parse(out);
    expect(combined).toMatchObject({
      attestors: [of("01", 20), of("02", 20)],
      approval: { token_ids: ["1", "2"] },
    });
    expect((await approve(...combine)).out).toBe(
      `loan ${of("aa", 32)} is approved until 2027-01-15T08:00:00.000Z, on tokens 1, 2\n  2 attestors have signed, of 2 that must\n  signature for gate ${of("bb", 20)}: ${combined.signature}\n`,
    );
    await expect(approve(...combine.slice(0, 2))).rejects.toMatchObject({ code: "APPROVALS_TOO_FEW" });
    await expect(approve("--combine", join(directory, "none"))).rejects.toMatchObject({
      code: "APPROVAL_UNREADABLE",
    });
  });

  it("says whether trying again may help, and what cannot be read", async () => {
    answer = { status: 503, body: { code: "CHAIN_UNREADABLE", message: "m" } };
    await expect(approve()).rejects.toMatchObject({ code: "API_REFUSED", disposition: "retryable" });
    answer = { status: 403, body: { code: "SCOPE_MISSING", message: "m" } };
    await expect(approve()).rejects.toMatchObject({ code: "API_REFUSED", disposition: "user" });
    writeFileSync(join(directory, "terms.json"), "{");
    await expect(approve()).rejects.toMatchObject({ code: "TERMS_UNREADABLE", disposition: "user" });
  });
});
