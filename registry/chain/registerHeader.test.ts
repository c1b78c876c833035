import { privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { chainClient } from "./chainClient.js";
import { createChainReader } from "./chainReader.js";
import { chainTransport } from "./chainTransport.js";
import type { Deployment } from "./deployment.js";
import { parseTitleHeader } from "./parseTitleHeader.js";
import { registerHeader } from "./registerHeader.js";
import { fakeRegistry } from "./testing/fakeRegistry.js";
import { type Anvil, startAnvil } from "./testing/startAnvil.js";
import { account, deployTo, openBench, runUntilQuiet } from "./testing/writerBench.js";

const header = {
  token_issuer: "Example Issuer",
  asset_holder: "Example Bailee",
  stored_location: 'Hall "9", Zürich',
  terms: "https://terms.example/1",
  jurisdiction: "US-DE",
  value_currency: "USD",
  declared_value: "3000000",
};

describe("a header's file", () => {
  it("has every member, and no other", () => {
    expect(parseTitleHeader(JSON.stringify(header))).toEqual(header);
    const { terms: _, ...without } = header;
    for (const wrong of ["{", without, { ...header, more: "" }, { ...header, declared_value: 3 }]) {
      const text = typeof wrong === "string" ? wrong : JSON.stringify(wrong);
      expect(() => parseTitleHeader(text)).toThrow(
        expect.objectContaining({ code: "TITLE_HEADER_MALFORMED" }),
      );
    }
  });
});

describe("a header", () => {
  let anvil: Anvil;
  let deployment: Deployment;
  beforeAll(async () => {
    anvil = await startAnvil();
    deployment = await deployTo(anvil.url);
  });
  afterAll(() => anvil.kill());

  it("is registered once under its hash, and stands in titles that are minted with it", async () => {
    const transport = chainTransport(anvil.url);
    const options = { transport, registrar: account, deployment, header };
    const header_hash = await registerHeader(options);
    expect(await registerHeader(options)).toBe(header_hash);
    const found = await chainClient(transport).readContract({
      address: deployment.token,
      abi: caliberTokenAbi,
      functionName: "headerOf",
      args: [header_hash],
    });
    expect(found).toMatchObject({ storedLocation: header.stored_location, declaredValue: 3_000_000n });
    const { view } = fakeRegistry(1);
    const { writer } = openBench({ deployment, view, transport, settings: { header_hash } });
    await runUntilQuiet(writer);
    expect((await createChainReader(transport, deployment).titleOf(1n)).header_hash).toBe(
      header_hash.slice(2),
    );
  });

  it("is the registrar's to register", async () => {
    const registrar = privateKeyToAccount(`0x${"5a".repeat(32)}`);
    const transport = chainTransport(anvil.url);
    await expect(registerHeader({ transport, registrar, deployment, header })).rejects.toThrow(
      /AccessControlUnauthorizedAccount|0xe2517d3f/,
    );
  });
});
