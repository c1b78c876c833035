import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, expect, it } from "vitest";
import { chainTransport } from "../../../registry/chain/chainTransport.js";
import { deployContracts } from "../../../registry/chain/deployContracts.js";
import { saveDeployment } from "../../../registry/chain/deployment.js";
import { type Anvil, startAnvil } from "../../../registry/chain/testing/startAnvil.js";
import { run } from "./writerKey.js";

let anvil: Anvil;
let dir: string;
const admin_key = generatePrivateKey();
const admin = privateKeyToAccount(admin_key);
const old = admin.address.toLowerCase();
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "caliber-hand-over-"));
  anvil = await startAnvil();
  await anvil.rpc("anvil_setBalance", [old, "0xde0b6b3a7640000"]);
  const transport = chainTransport(anvil.url);
  const deployment = await deployContracts({
    transport,
    deployer: admin,
    writer: admin.address,
    admin_delay_s: 3600,
    epoch_s: 3600,
  });
  saveDeployment(join(dir, "deployment.json"), deployment);
  writeFileSync(join(dir, "admin"), `${admin_key}\n`, { mode: 0o600 });
});
afterAll(async () => {
  await anvil.kill();
  rmSync(dir, { recursive: true });
});

async function printed(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const told = { out: "", err: "" };
  const code = await run(argv, {
    out(text) {
      told.out += text;
    },
    err(text) {
      told.err += text;
    },
  });
  return { code, ...told };
}

it("puts a new keystore's account in the writer's place: what a multisig would send, then by the admin's key", async () => {
  const files = ["--writer-key", join(dir, "next.json"), "--writer-password", join(dir, "next.password")];
  const chain = ["--deployment", join(dir, "deployment.json"), "--rpc-url", anvil.url];
  const next = (await printed("create", ...files)).out.trim();
  const ask = ["hand-over", "--from", old, ...files, ...chain, "--with-admin"];

  const dry = await printed(...ask, "--admin-address", old, "--json");
  const told = JSON.parse(dry.out) as { calls: unknown[] };
  expect(told).toMatchObject({ from: old, to: next, sent: false, balance_wei: "0" });
  expect(told.calls).toHaveLength(10);
  const listed = await printed(...ask, "--admin-address", old);
  expect(listed.out).toContain(`token: grant REGISTRAR_ROLE to ${next}\n  to 0x`);
  expect(listed.err).toContain(`${next} has no money for gas yet`);

  const sent = await printed(...ask, "--admin-key", join(dir, "admin"));
  expect(sent.out).toContain(`health: ${next} attests in the place of ${old} (1 of 1)`);
  expect(sent.out).not.toContain("data 0x");
  expect((await printed(...ask, "--admin-key", join(dir, "admin"))).out).toContain("nothing is left to do");

  await anvil.rpc("anvil_setBalance", [next, "0xde0b6b3a7640000"]);
  await expect(printed("accept-admin", ...files, ...chain)).rejects.toMatchObject({
    code: "ADMIN_TOO_EARLY",
  });
  await anvil.rpc("evm_increaseTime", [3700]);
  await anvil.rpc("evm_mine");
  expect(await printed("accept-admin", ...files, ...chain)).toMatchObject({
    code: 0,
    out: `${next} is the admin now of: token, health, log\n`,
  });
  await expect(printed(...ask, "--admin-key", join(dir, "admin"))).rejects.toMatchObject({
    code: "CHAIN_NOT_ADMIN",
  });
  await expect(printed(...ask.with(2, next), "--admin-address", old)).rejects.toMatchObject({
    code: "OPTION_INVALID",
  });
}, 60_000);
