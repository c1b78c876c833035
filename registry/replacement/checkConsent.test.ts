import type { Hex, TypedDataDefinition } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { describe, expect, it } from "vitest";
import vector from "../../fixtures/vectors/replacement.json" with { type: "json" };
import { checkConsent } from "./checkConsent.js";
import { replacementTypedData } from "./replacementTypedData.js";

const { replacement, consent, consenter } = vector;
const account = { address: consenter, by_contract: false };
const stranger = privateKeyToAccount(`0x${"11".repeat(32)}`);
const typed = (change: Partial<typeof replacement> = {}) =>
  replacementTypedData({ ...replacement, ...change }) as unknown as TypedDataDefinition;
const coded = (code: string) => ({ code, disposition: "user" });

describe("checkConsent", () => {
  it("takes the consenter's signature, in each form that wallets write it", async () => {
    const zeroBased = `${consent.slice(0, -2)}0${Number(`0x${consent.slice(-2)}`) - 27}`;
    for (const given of [consent, consent.toUpperCase().replace("0X", "0x"), ` ${consent}\n`, zeroBased]) {
      expect(await checkConsent(replacement, account, given)).toBe(consent);
    }
  });

  it("refuses another's, and one that was given to other words", async () => {
    const other = await stranger.signTypedData(typed());
    const own = { address: stranger.address, by_contract: false };
    expect(await checkConsent(replacement, own, other)).toBe(other);
    await expect(checkConsent(replacement, account, other)).rejects.toMatchObject(
      coded("CONSENT_NOT_CONSENTERS"),
    );
    for (const change of [{ token_id: "8" }, { chain_id: 1 }, { deadline: "1" }]) {
      const elsewhere = await stranger.signTypedData(typed(change));
      await expect(checkConsent(replacement, own, elsewhere)).rejects.toMatchObject(
        coded("CONSENT_NOT_CONSENTERS"),
      );
    }
  });

  it.each(["", "0x", "0x0", "consent", consent.slice(2), consent.slice(0, -2), `${consent}00`])(
    "refuses what is no signature: %s",
    async (given) => {
      await expect(checkConsent(replacement, account, given)).rejects.toMatchObject(
        coded("CONSENT_MALFORMED"),
      );
    },
  );

  it.each([`0x${"00".repeat(65)}`, `0x${"ff".repeat(65)}`])(
    "refuses what no account can sign: %s",
    async (given) => {
      await expect(checkConsent(replacement, account, given)).rejects.toMatchObject(
        coded("CONSENT_MALFORMED"),
      );
    },
  );

  it("leaves a contract's to the chain, up to a length", async () => {
    const contract = { address: consenter, by_contract: true };
    const many: Hex = `0x${"ab".repeat(130)}`;
    expect(await checkConsent(replacement, contract, many)).toBe(many);
    await expect(checkConsent(replacement, contract, `0x${"ab".repeat(8193)}`)).rejects.toMatchObject(
      coded("CONSENT_MALFORMED"),
    );
  });
});
