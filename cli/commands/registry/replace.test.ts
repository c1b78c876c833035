import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import vector from "../../../fixtures/vectors/replacement.json" with { type: "json" };
import { createIntentStore } from "../../../registry/chain/intentStore.js";
import { databasePath } from "../../../registry/databasePath.js";
import { createReplacementOrders } from "../../../registry/replacement/replacementOrders.js";
import { openCore } from "../../../registry/testing/openCore.js";
import { testDevice } from "../../../registry/testing/testDevice.js";
import { inventoryOf, testChain } from "../../../test/support/testReports.js";
import { run } from "./replace.js";

let data_dir: string;
let core: ReturnType<typeof openCore>;
const [old, next] = [testDevice(), testDevice()];
beforeEach(async () => {
  data_dir = mkdtempSync(join(tmpdir(), "caliber-replace-"));
  core = openCore({ path: databasePath(data_dir) });
  for (const [i, device] of [old, next].entries()) {
    const host = `h-${i}`;
    core.enrol(host, [device]);
    const now = { start_ms: core.now_ms(), end_ms: core.now_ms() };
    const { bytes } = testChain(device, host).next("inventory", inventoryOf(`GPU-${i}`), now);
    await core.ingest.take({ host, device: device.id, payload: bytes });
  }
  const contract = `0x${"cd".repeat(20)}` as const;
  const minted = { device: old.id, chain_id: 1, contract, token_id: "7", tx: "0x01", block: 1 };
  core.ledger.add("chain", { type: "minted", ...minted });
  core.settle();
});
afterEach(() => {
  core.ledger.stop();
  core.db.close();
  rmSync(data_dir, { recursive: true });
});

async function call(...args: string[]) {
  const out: string[] = [];
  const io = { out: (text: string) => void out.push(text), err: () => undefined };
  const code = await run([...args, "--data-dir", data_dir], io);
  return { code, out: out.join("") };
}
const order = (device = next.id, token = "7") => call("order", "--token", token, "--device", device);
const refused = (act: Promise<unknown>, code: string) =>
  expect(act).rejects.toMatchObject({ code, disposition: "user" });
const orders = () => createReplacementOrders(core.db);
/** Good for an hour by the wall clock, which the command reads. */
const asked = { ...vector.replacement, deadline: String(Math.floor(Date.now() / 1000) + 3600) };
const told = { asked, consenter: vector.consenter, by_contract: false, problem: null };

describe("registry replace", () => {
  it("wants to be told what, of which token, with which device", async () => {
    await refused(call(), "OPTION_INVALID");
    await refused(call("swap"), "OPTION_INVALID");
    await refused(call("toString"), "OPTION_INVALID");
    await refused(call("order", "--token", "7"), "OPTION_MISSING");
    await refused(call("order", "--device", next.id), "OPTION_MISSING");
    for (const token of ["0", "07", "0x7", "7.0", "seven"])
      await refused(order(next.id, token), "OPTION_INVALID");
    await refused(order(next.id.toUpperCase()), "OPTION_INVALID");
    await refused(order("GPU-1"), "OPTION_INVALID");
    await refused(call("consent", "--token", "7"), "OPTION_MISSING");
    await refused(
      run(["status", "--data-dir", join(data_dir, "none")], { out: () => 0, err: () => 0 }),
      "DATA_DIR_UNUSABLE",
    );
  });

  it("orders what can be carried out, once", async () => {
    await refused(order(next.id, "8"), "TOKEN_UNKNOWN");
    await refused(order("ab".repeat(32)), "DEVICE_UNKNOWN");
    await refused(order(old.id), "REPLACEMENT_DONE");
    await refused(call("status", "--token", "7"), "REPLACEMENT_NONE");
    await refused(call("cancel", "--token", "7"), "REPLACEMENT_NONE");
    expect((await call("status")).out).toBe("no replacement is ordered\n");
    const { code, out } = await order();
    expect(code).toBe(0);
    expect(out).toContain(`device ${next.id} is to stand in for ${old.id}`);
    expect(out).toContain("is the registry running, with --rpc-url?");
    await refused(order(), "REPLACEMENT_ORDERED");
    expect((await call("cancel", "--token", "7")).out).toBe("the order for token 7 is cancelled\n");
    expect((await order()).code).toBe(0);
  });

  it("leads from the device's signature to the consent, and says who must give it", async () => {
    await order();
    await refused(call("consent", "--token", "7", "--signature", vector.consent), "CONSENT_EARLY");
    await expect(call("typed-data", "--token", "7")).rejects.toMatchObject({ code: "CONSENT_EARLY" });
    orders().tell("7", { ...told, asked: null });
    expect((await call("status")).out).toContain("started with --accept-replacement 7");
    orders().tell("7", told);
    expect((await call("status", "--token", "7")).out).toContain(`needed, by ${vector.consenter}`);
    const typed = JSON.parse((await call("typed-data", "--token", "7")).out);
    expect(typed).toMatchObject({ primaryType: "Replacement", message: { deadline: asked.deadline } });
    await refused(call("consent", "--token", "7", "--signature", "0x00"), "CONSENT_MALFORMED");
    // The vector's consent is to another deadline.
    await refused(call("consent", "--token", "7", "--signature", vector.consent), "CONSENT_NOT_CONSENTERS");
    orders().tell("7", { ...told, by_contract: true });
    const given = await call("consent", "--token", "7", "--signature", vector.consent, "--json");
    expect(JSON.parse(given.out)).toMatchObject({ waits_for: "chain", consented: true });
    expect((await call("status")).out).toContain("(a contract: ERC-1271)");
  });

  it("takes no consent to what has run out, and says when something is to be put right", async () => {
    await order();
    orders().tell("7", { ...told, asked: { ...asked, deadline: "1" } });
    await refused(call("consent", "--token", "7", "--signature", vector.consent), "CONSENT_LATE");
    expect((await call("status")).out).toContain("(REPLACEMENT_EXPIRED)");
    orders().tell("7", {
      ...told,
      problem: { code: "IDENTITY_TAKEN", text: "token 3 has this GPU's identity" },
    });
    const { code, out } = await call("status");
    expect(code).toBe(2);
    expect(out).toContain("cannot go on: token 3 has this GPU's identity (IDENTITY_TAKEN)");
  });

  const payload = {
    device: next.id,
    former: old.id,
    key: old.id,
    replacement: asked,
    spki: "",
    signature: "",
    consent: "0x01",
  } as const;

  it("cancels as long as the chain cannot have it", async () => {
    await order();
    const intents = createIntentStore(core.db, "test", Date.now);
    intents.want({ kind: "replace", payload });
    await refused(call("cancel", "--token", "7"), "REPLACEMENT_UNDER_WAY");
    expect((await call("status")).out).toContain("waits for the chain");
    intents.finish(`replace:7:${next.id}`, "failed", "ConsentInvalid()");
    expect((await call("cancel", "--token", "7", "--json")).out).toBe('{"token_id":"7","cancelled":true}\n');
    expect(orders().all()).toEqual([]);
  });

  it("does not wait for a writer that was replaced, or for what has run out", async () => {
    await order();
    createIntentStore(core.db, "before", Date.now).want({ kind: "replace", payload });
    expect((await call("status")).out).toContain("waits for the chain");
    const intents = createIntentStore(core.db, "after", Date.now);
    expect((await call("status")).out).not.toContain("waits for the chain");
    const replacement = { ...asked, deadline: String(Math.floor(Date.now() / 1000) - 1) };
    intents.want({ kind: "replace", payload: { ...payload, replacement } });
    expect((await call("status")).out).not.toContain("waits for the chain");
    // In a block it is, and is confirmed after its deadline.
    intents.mine(`replace:7:${next.id}`, "0x01", { number: 1, hash: "0x02" });
    await refused(call("cancel", "--token", "7"), "REPLACEMENT_UNDER_WAY");
    intents.finish(`replace:7:${next.id}`, "obsolete", null);
    expect((await call("cancel", "--token", "7")).code).toBe(0);
  });
});
