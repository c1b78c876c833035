import type { Transport } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chainTransport } from "./chainTransport.js";
import type { Deployment } from "./deployment.js";
import { fakeRegistry } from "./testing/fakeRegistry.js";
import { type Anvil, startAnvil } from "./testing/startAnvil.js";
import { deployTo, openBench, runUntilQuiet } from "./testing/writerBench.js";

let anvil: Anvil;
let empty: Anvil;
let deployment: Deployment;
beforeAll(async () => {
  anvil = await startAnvil();
  deployment = await deployTo(anvil.url);
  empty = await startAnvil(["--timestamp", "1700000000"]);
});
afterAll(async () => {
  await anvil.kill();
  await empty.kill();
});

describe("a node that is exchanged for an empty one in the middle of a round", () => {
  it("is noticed before anything is signed by its word", async () => {
    let estimated = 0;
    let exchanged = false;
    const transport: Transport = (options) => {
      const request = async (args: { method: string }) => {
        if (args.method === "eth_estimateGas") {
          estimated += 1;
          exchanged = estimated <= 2;
        }
        const { url } = exchanged ? empty : anvil;
        return chainTransport(url)(options).request(args as never);
      };
      return { ...chainTransport(anvil.url)(options), request: request as never };
    };
    const registry = fakeRegistry(2);
    const { writer, store } = openBench({ deployment, view: registry.view, transport });
    for (let rounds = 5; !exchanged && rounds > 0; rounds -= 1) await writer.step().catch(() => undefined);
    expect(estimated).toBe(2);
    // An estimate for an address where nothing is would have been believed.
    expect(store.inState("signed", "failed", "obsolete")).toEqual([]);
    expect(writer.status()).toMatchObject({ rpc: { state: "ok" }, fault: { code: "CHAIN_MOVED" } });
    exchanged = false;
    await runUntilQuiet(writer);
    expect(writer.status().fault).toBeNull();
    expect(store.inState("done").map(({ kind, attempts }) => [kind, attempts])).toEqual(
      expect.arrayContaining([
        ["mint", 1],
        ["mint", 1],
      ]),
    );
    expect(registry.devices.map(({ token_id }) => token_id)).toEqual([1n, 2n]);
  });
});
