import { encodeFunctionData, parseGwei, RpcRequestError, type Transport, toHex } from "viem";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { caliberLogAbi } from "../../contracts-abi/abi/CaliberLog.js";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { originHash } from "../../protocol/log/originHash.js";
import { chainClient } from "./chainClient.js";
import { createChainReader } from "./chainReader.js";
import { chainTransport } from "./chainTransport.js";
import type { Deployment } from "./deployment.js";
import type { Intent, ReplacePayload } from "./intent.js";
import { intentEffect } from "./intentEffect.js";
import { type FakeDevice, fakeRegistry, rotateFake } from "./testing/fakeRegistry.js";
import { type Anvil, startAnvil } from "./testing/startAnvil.js";
import { account, deployTo, openBench, runUntilQuiet } from "./testing/writerBench.js";

/** The third account of every development chain. */
const other = "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc";

let anvil: Anvil;
let deployment: Deployment;
let snapshot: unknown;

beforeAll(async () => {
  anvil = await startAnvil();
  deployment = await deployTo(anvil.url);
});
beforeEach(async () => {
  if (snapshot !== undefined) await anvil.rpc("evm_revert", [snapshot]);
  snapshot = await anvil.rpc("evm_snapshot");
});
afterAll(() => anvil.kill());

type Request = { method: string; params?: unknown[] };

/** A node that answers what is denied with an error of its own, which is no revert. */
const denying =
  (denied: (request: Request) => boolean): Transport =>
  (options) => {
    const inner = chainTransport(anvil.url)(options);
    const request: typeof inner.request = (args, requestOptions) => {
      if (!denied(args as Request)) return inner.request(args, requestOptions);
      const error = { code: -32_000, message: "not for you" };
      return Promise.reject(new RpcRequestError({ body: {}, error, url: anvil.url }));
    };
    return { ...inner, request };
  };
const withoutLogs = denying(({ method }) => method === "eth_getLogs");

describe("a node that refuses logs from far back", () => {
  it("has titles minted, and follows them to the next key", async () => {
    const registry = fakeRegistry(1);
    const { writer } = openBench({ deployment, view: registry.view, transport: withoutLogs });
    await runUntilQuiet(writer);
    const [device] = registry.devices as [FakeDevice];
    rotateFake(device);
    await runUntilQuiet(writer);
    const reader = createChainReader(chainTransport(anvil.url), deployment);
    expect(await reader.titleOf(device.token_id!)).toMatchObject({ device: device.candidate.device });
  });

  it("has titles taken over: no logs are read of a key change that is not there, or never was", async () => {
    const registry = fakeRegistry(1);
    await runUntilQuiet(openBench({ deployment, view: registry.view, transport: withoutLogs }).writer);
    const [old] = registry.devices as [FakeDevice];
    const effectOf = (key: string) => {
      const payload = { device: "ab".repeat(32), key, replacement: { token_id: String(old.token_id) } };
      const intent = { kind: "replace", payload: payload as ReplacePayload } as Intent;
      return intentEffect({ client: chainClient(withoutLogs), deployment }, intent);
    };
    expect(await effectOf(old.candidate.device)).toEqual({ is: "absent" });
    expect(await effectOf("cd".repeat(32))).toMatchObject({ is: "overtaken" });
  });
});

describe("an intent that the node cannot judge", () => {
  it("holds no other up, and is told", async () => {
    const amend = encodeFunctionData({
      abi: caliberTokenAbi,
      functionName: "amend",
      args: [1n, `0x${"00".repeat(32)}`, 0],
    }).slice(0, 10);
    const registry = fakeRegistry(1);
    const transport = denying(
      ({ method, params }) => method === "eth_estimateGas" && JSON.stringify(params).includes(amend),
    );
    const { writer } = openBench({ deployment, view: registry.view, transport });
    await runUntilQuiet(writer);
    const [device] = registry.devices as [FakeDevice];
    const evidence = "e1".repeat(32);
    registry.amendments.push({
      device: device.candidate.device,
      token_id: device.token_id!,
      evidence,
      assurance: 0,
    });
    registry.log.size = 3;
    for (let i = 0; i < 3; i += 1) await expect(writer.step()).rejects.toThrow("not for you");
    expect(writer.status()).toMatchObject({ rpc: { state: "down" }, intents: { wanted: 1 } });
    expect(registry.recorded.some(({ type }) => type === "anchored")).toBe(true);
  });
});

describe("a node that no longer has the state of the block in which a transaction reverted", () => {
  const withoutState = denying(
    ({ method, params }) => method === "eth_call" && params?.[1] !== "latest" && params?.[1] !== undefined,
  );

  /** The first anchor is with the node; `meanwhile` makes it revert, and `after` puts things right. */
  async function revertAnchor(meanwhile: () => Promise<void>, after?: () => Promise<void>) {
    const registry = fakeRegistry(0);
    registry.log.size = 3;
    const { writer, store } = openBench({ deployment, view: registry.view, transport: withoutState });
    await anvil.rpc("evm_setAutomine", [false]);
    try {
      await writer.step();
      await meanwhile();
      await anvil.rpc("evm_mine");
      await after?.();
    } finally {
      await anvil.rpc("evm_setAutomine", [true]);
    }
    await writer.step();
    return store.find("anchor:3");
  }

  it("is not asked why, where another had the effect", async () => {
    const at = { address: deployment.log, abi: caliberLogAbi } as const;
    const role = await chainClient(chainTransport(anvil.url)).readContract({
      ...at,
      functionName: "ANCHOR_ROLE",
    });
    const granting = encodeFunctionData({ ...at, functionName: "grantRole", args: [role, other] });
    await anvil.rpc("eth_sendTransaction", [{ from: account.address, to: deployment.log, data: granting }]);
    const args = [originHash(fakeRegistry(0).view.origin), 9n, `0x${"11".repeat(32)}`] as const;
    const data = encodeFunctionData({ ...at, functionName: "anchor", args });
    const fee = toHex(parseGwei("50"));
    const fees = { maxFeePerGas: fee, maxPriorityFeePerGas: fee };
    const sooner = { from: other, to: deployment.log, data, gas: "0x40000", ...fees };
    const reverted = await revertAnchor(async () => void (await anvil.rpc("eth_sendTransaction", [sooner])));
    expect(reverted).toMatchObject({ state: "obsolete", last_error: "size 9 is anchored already" });
  });

  it("is not asked for ever, where it alone could tell", async () => {
    const code = await anvil.rpc("eth_getCode", [deployment.log, "latest"]);
    const setCode = async (to: unknown) => void (await anvil.rpc("anvil_setCode", [deployment.log, to]));
    const reverted = await revertAnchor(
      () => setCode("0x5f5ffd"),
      () => setCode(code),
    );
    expect(reverted).toMatchObject({
      state: "failed",
      last_error: expect.stringMatching(/^reverted after \d+ gas$/),
    });
  });
});
