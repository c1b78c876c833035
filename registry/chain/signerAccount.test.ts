import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import Database from "better-sqlite3";
import pino from "pino";
import { type Hex, hexToBigInt, hexToNumber } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { chainTransport } from "./chainTransport.js";
import { createChainWriter } from "./chainWriter.js";
import type { Deployment } from "./deployment.js";
import { signerAccount } from "./signerAccount.js";
import { fakeRegistry } from "./testing/fakeRegistry.js";
import { type Anvil, startAnvil } from "./testing/startAnvil.js";
import { account, deployTo, runUntilQuiet } from "./testing/writerBench.js";

type Call = { method: string; params: [Record<string, Hex>] | [Hex, string] };

const another = privateKeyToAccount(`0x${"5a".repeat(32)}`);
let server: Server;
let url: string;
/** Whose key signs, what it makes of a request, and how it answers. */
type Behaviour = {
  signer: typeof account;
  change: (tx: Record<string, Hex>) => Record<string, Hex>;
  form: (raw: Hex) => unknown;
};
const honest: Behaviour = { signer: account, change: (tx) => tx, form: (raw) => raw };
let behave: Behaviour;
const asked: string[] = [];

/** A signer as web3signer is one: the key is its own. */
async function answer({ method, params }: Call): Promise<object> {
  asked.push(method);
  if (method === "eth_signTypedData") {
    const { EIP712Domain: _, ...types } = JSON.parse(params[1] as string).types;
    return { result: await behave.signer.signTypedData({ ...JSON.parse(params[1] as string), types }) };
  }
  if (method !== "eth_signTransaction") return { error: { code: -32601, message: "Method not found" } };
  const tx = behave.change(params[0] as Record<string, Hex>);
  const raw = await behave.signer.signTransaction({
    type: "eip1559",
    to: tx.to!,
    data: tx.data!,
    value: hexToBigInt(tx.value!),
    nonce: hexToNumber(tx.nonce!),
    gas: hexToBigInt(tx.gas!),
    maxFeePerGas: hexToBigInt(tx.maxFeePerGas!),
    maxPriorityFeePerGas: hexToBigInt(tx.maxPriorityFeePerGas!),
    chainId: hexToNumber(tx.chainId!),
  });
  return { result: behave.form(raw) };
}

beforeEach(async () => {
  behave = { ...honest };
  asked.length = 0;
  server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    response.end(JSON.stringify({ jsonrpc: "2.0", id: 1, ...(await answer(JSON.parse(text) as Call)) }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => void server.close());

const transaction = {
  type: "eip1559",
  chainId: 42_161,
  nonce: 0,
  to: another.address,
  data: "0x1234",
  value: 0n,
  gas: 50_000n,
  maxFeePerGas: 200n,
  maxPriorityFeePerGas: 0n,
} as const;

describe("a signer's transaction", () => {
  it.each([
    ["plain", (raw: Hex) => raw],
    ["as geth's", (raw: Hex) => ({ raw, tx: {} })],
  ])("is what the key itself would have signed (%s)", async (_, as) => {
    behave.form = as;
    expect(await signerAccount(url, account.address).signTransaction(transaction)).toBe(
      await account.signTransaction(transaction),
    );
  });

  it.each<[string, Partial<Behaviour>]>([
    ["by another key", { signer: another }],
    ["with another nonce", { change: (tx) => ({ ...tx, nonce: "0x1" }) }],
    ["with a higher fee", { change: (tx) => ({ ...tx, maxFeePerGas: "0xffff" }) }],
    ["to another address", { change: (tx) => ({ ...tx, to: account.address }) }],
    ["that is none", { form: () => "0x02c0" }],
    ["that is no hex", { form: () => null }],
  ])("%s is not believed", async (_, lie) => {
    behave = { ...honest, ...lie };
    await expect(signerAccount(url, account.address).signTransaction(transaction)).rejects.toMatchObject({
      code: "WRITER_SIGNER_WRONG",
    });
  });
});

describe("a signer", () => {
  it.each(["http://192.0.2.1:9000", "ftp://127.0.0.1", "http://127.0.0.1.example", "signer"])(
    "is not reached at %s",
    (at) => {
      expect(() => signerAccount(at, account.address)).toThrow(
        expect.objectContaining({ code: "OPTION_INVALID" }),
      );
    },
  );
});

describe("a writer with a signer", () => {
  let anvil: Anvil;
  let deployment: Deployment;
  beforeAll(async () => {
    anvil = await startAnvil();
    deployment = await deployTo(anvil.url);
  });
  afterAll(() => anvil.kill());

  it("waits for one that is away or wrong, tells it, and then writes everything once", async () => {
    const registry = fakeRegistry(2);
    registry.log.size = 3;
    const writer = createChainWriter({
      db: new Database(":memory:"),
      endpoints: [{ name: "node", transport: chainTransport(anvil.url) }],
      deployment,
      account: signerAccount(url, account.address),
      view: registry.view,
      log: pino({ level: "silent" }),
      now_ms: Date.now,
      settings: { anchor_interval_ms: 0 },
    });
    behave.signer = another;
    await expect(runUntilQuiet(writer)).rejects.toMatchObject({ code: "WRITER_SIGNER_WRONG" });
    expect(writer.status()).toMatchObject({ rpc: { state: "ok" }, fault: { code: "WRITER_SIGNER_WRONG" } });
    behave.signer = account;
    const { port } = server.address() as AddressInfo;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await expect(writer.step()).rejects.toMatchObject({ code: "WRITER_SIGNER_DOWN" });
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    await runUntilQuiet(writer);
    expect(writer.status().fault).toBeNull();
    expect(new Set(asked)).toEqual(new Set(["eth_signTransaction", "eth_signTypedData"]));
    expect(registry.devices.map(({ token_id }) => token_id)).toEqual([1n, 2n]);
    expect(registry.recorded.map(({ type }) => type).sort()).toEqual(
      expect.arrayContaining(["anchored", "minted", "minted"]),
    );
  });
});
