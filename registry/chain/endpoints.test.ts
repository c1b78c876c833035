import { HttpRequestError, type Transport } from "viem";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { chainTransport } from "./chainTransport.js";
import type { Deployment } from "./deployment.js";
import { endpointNames } from "./endpointNames.js";
import { fakeRegistry } from "./testing/fakeRegistry.js";
import { type Anvil, startAnvil } from "./testing/startAnvil.js";
import { account, deployTo, openBench, runUntilQuiet } from "./testing/writerBench.js";

type Block = { number: string; hash: string; timestamp: string };
/** One node as seen over a way to it that may be cut, or answer for another chain. */
type Way = { url: string; cut: boolean; sent: number; forge: (block: Block) => Block };

let anvil: Anvil;
let other: Anvil;
let deployment: Deployment;
let one: Way;
let two: Way;
let snapshot: unknown;

beforeAll(async () => {
  anvil = await startAnvil();
  deployment = await deployTo(anvil.url);
  other = await startAnvil(["--timestamp", "1700000000"]);
});
afterAll(async () => {
  await anvil.kill();
  await other.kill();
});
beforeEach(async () => {
  snapshot = await anvil.rpc("evm_snapshot");
  one = { url: anvil.url, cut: false, sent: 0, forge: (block) => block };
  two = { url: anvil.url, cut: false, sent: 0, forge: (block) => block };
});

afterEach(() => anvil.rpc("evm_revert", [snapshot]));

function over(way: Way): Transport {
  return (options) => {
    const request = async (args: { method: string }, requestOptions?: object) => {
      if (way.cut) throw new HttpRequestError({ url: `${way.url}/the-key`, details: "cut" });
      if (args.method === "eth_sendRawTransaction") way.sent += 1;
      const transport = chainTransport(way.url)(options);
      const answer = await transport.request(args as never, requestOptions);
      return args.method === "eth_getBlockByNumber" ? way.forge(answer as Block) : answer;
    };
    return { ...chainTransport(way.url)(options), request: request as never };
  };
}

const forged = `0x${"ee".repeat(32)}`;

function open() {
  const registry = fakeRegistry(2);
  const { writer } = openBench({
    deployment,
    view: registry.view,
    transport: [
      { name: "one", transport: over(one) },
      { name: "two", transport: over(two) },
    ],
    settings: { endpoint_check_ms: 0 },
  });
  const problems = () => writer.status().problems.map(({ code, subject }) => `${code} ${subject}`);
  const nonce = () => anvil.rpc("eth_getTransactionCount", [account.address, "pending"]);
  return { registry, writer, problems, nonce };
}

const minted = ({ registry }: ReturnType<typeof open>) =>
  registry.recorded.filter(({ type }) => type === "minted").length;

describe("two endpoints", () => {
  it("are used one at a time; the other takes over when that one is away, and both is told", async () => {
    const bench = open();
    await bench.writer.step();
    one.cut = true;
    await runUntilQuiet(bench.writer);
    expect(minted(bench)).toBe(2);
    expect(two.sent).toBeGreaterThan(0);
    expect(bench.writer.status()).toMatchObject({ rpc: { state: "ok" }, fault: null });
    expect(bench.problems()).toEqual(["CHAIN_ENDPOINT_DOWN one"]);
    expect(JSON.stringify(bench.writer.status().problems)).not.toContain("the-key");
    one.cut = false;
    await bench.writer.step();
    expect(bench.problems()).toEqual([]);
  });

  it("are both away when the node is, and the next round finds whichever is back", async () => {
    const bench = open();
    await bench.writer.step();
    one.cut = true;
    two.cut = true;
    await expect(bench.writer.step()).rejects.toBeInstanceOf(HttpRequestError);
    expect(bench.writer.status().rpc.state).toBe("down");
    two.cut = false;
    await runUntilQuiet(bench.writer);
    expect(bench.writer.status().rpc.state).toBe("ok");
    expect(minted(bench)).toBe(2);
  });

  it.each([
    ["another chain of the same id", () => ({ url: other.url })],
    [
      "another finalized block",
      () => ({
        forge: (block: Block) => (Number(block.number) === 0 ? block : { ...block, hash: forged }),
      }),
    ],
  ])("stop the writer while one knows %s, until they agree", async (_, lie) => {
    // Blocks enough for some to be final.
    await anvil.rpc("anvil_mine", ["0x50"]);
    const bench = open();
    await bench.writer.step();
    const before = await bench.nonce();
    const honest = { ...two };
    Object.assign(two, lie());
    for (let rounds = 3; rounds > 0; rounds -= 1) {
      await expect(bench.writer.step()).rejects.toMatchObject({ code: "CHAIN_ENDPOINTS_DISAGREE" });
    }
    expect(bench.writer.status().fault).toMatchObject({
      code: "CHAIN_ENDPOINTS_DISAGREE",
      text: expect.stringMatching(/^one and two have different /),
    });
    expect(await bench.nonce()).toBe(before);
    Object.assign(two, honest);
    await runUntilQuiet(bench.writer);
    expect(bench.writer.status().fault).toBeNull();
    expect(minted(bench)).toBe(2);
  });

  it("leave out one that does not follow the chain, and tell it", async () => {
    one.forge = (block) => ({ ...block, timestamp: `0x${(Number(block.timestamp) - 3600).toString(16)}` });
    const bench = open();
    await runUntilQuiet(bench.writer);
    expect(bench.problems()).toEqual(["CHAIN_ENDPOINT_BEHIND one"]);
    expect([one.sent, two.sent > 0]).toEqual([0, true]);
    expect(minted(bench)).toBe(2);
  });
});

describe("names of endpoints", () => {
  it("hold nothing of path, query and user, and differ", () => {
    expect(
      endpointNames([
        "https://u:pw@a.example/v2/key",
        "http://b.example:8545?k=key",
        "https://a.example/x",
        "?",
      ]),
    ).toEqual(["a.example #1", "b.example:8545", "a.example #3", "node"]);
  });
});
