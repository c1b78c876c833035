import { describe, expect, it } from "vitest";
import type { TitleReplacement } from "../../protocol/report/schema.js";
import { openDatabase } from "../store/openDatabase.js";
import { createReplacementOrders } from "./replacementOrders.js";

const asked = { token_id: "7", nonce: "0" } as TitleReplacement;
const told = { asked, consenter: `0x${"ab".repeat(20)}`, by_contract: false, problem: null };
const open = () => {
  const orders = createReplacementOrders(openDatabase(":memory:"));
  orders.put("7", "a");
  return orders;
};
const coded = (code: string) => expect.objectContaining({ code });

describe("replacement orders", () => {
  it("drop a consent when what it was given to, or who must give it, is another", () => {
    const orders = open();
    orders.tell("7", told);
    orders.consent("7", asked, "0x01");
    orders.tell("7", told);
    expect(orders.find("7")).toEqual({ token_id: "7", device: "a", consent: "0x01", ...told });
    const problem = { code: "CONSENT_INVALID", text: "no" } as const;
    orders.tell("7", { ...told, problem });
    expect(orders.find("7")).toMatchObject({ consent: "0x01", problem });
    orders.consent("7", asked, "0x04");
    expect(orders.find("7")).toMatchObject({ consent: "0x04", problem: null });
    orders.tell("7", { ...told, consenter: `0x${"cd".repeat(20)}` });
    expect(orders.find("7")).toMatchObject({ consent: null, asked });
    orders.consent("7", asked, "0x02");
    const other = { ...asked, nonce: "1" };
    orders.tell("7", { ...told, asked: other });
    expect(orders.find("7")).toMatchObject({ consent: null, asked: other });
    expect(() => orders.consent("7", asked, "0x03")).toThrow(coded("CONSENT_OVERTAKEN"));
    expect(orders.find("7")).toMatchObject({ consent: null });
  });

  it("keep a consent while something is in the way of what it was given to", () => {
    const orders = open();
    orders.tell("7", told);
    orders.consent("7", asked, "0x01");
    const problem = { code: "IDENTITY_TAKEN", text: "token 3 has this GPU's identity" } as const;
    orders.tell("7", { problem });
    expect(orders.find("7")).toEqual({ token_id: "7", device: "a", consent: "0x01", ...told, problem });
    orders.tell("7", told);
    expect(orders.find("7")).toMatchObject({ consent: "0x01", problem: null });
    orders.tell("7", { problem });
    orders.tell("7", { ...told, asked: { ...asked, nonce: "1" } });
    expect(orders.find("7")).toMatchObject({ consent: null, problem: null });
  });

  it("stand until they are removed: neither token nor device is in two", () => {
    const orders = open();
    for (const [token_id, device] of [
      ["7", "a"],
      ["7", "b"],
      ["8", "a"],
    ] as const) {
      expect(() => orders.put(token_id, device)).toThrow(coded("REPLACEMENT_ORDERED"));
    }
    orders.put("10", "b");
    expect(orders.all().map(({ token_id }) => token_id)).toEqual(["7", "10"]);
    orders.remove("7");
    expect(orders.find("7")).toBeNull();
    orders.put("7", "a");
    expect(orders.find("7")).toMatchObject({ consent: null, asked: null, consenter: null, problem: null });
  });
});
