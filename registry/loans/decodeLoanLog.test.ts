import { parseAbiItem, toEventSelector, zeroAddress, zeroHash } from "viem";
import { describe, expect, it } from "vitest";
import { decodeLoanLog } from "./decodeLoanLog.js";
import { routerEvents } from "./loanEventsAbi.js";
import { depositor, hashOf, loanLog, loanOn, testSettings } from "./testing/loanLog.js";

const terms = loanOn([5n, 6n]);
const loan = hashOf(terms);
const staged = { loan, depositor, token: terms.collateral_token, token_ids: [5n, 6n] };
const decode = (log: Parameters<typeof decodeLoanLog>[0]) => decodeLoanLog(log, testSettings);

describe("logs of timelock and router", () => {
  it("carry the selectors of the published contracts", () => {
    const selectors = [
      [loanLog.deposited(terms), "0x18f351ee0ecf7c33841d66c07cb9c8d8ed620239547515f2c2bc2f6b207c720b"],
      [loanLog.withdrawn(terms), "0xd2b2c414f73da45fffbd4190ac108e3cd74b328575d338292b32ddbd3d4d69d8"],
      [loanLog.originated(terms), "0x75cb20cd5ea276edc48a5c9c85e53729cc90bdd6776029b284aa2eb60a334ce2"],
      [loanLog.originatedOld(terms), "0xa421bb93639c7d8972b43af40cd5da06b01f5b436c450343d863b2ca916db25a"],
      [
        loanLog.repaid(terms, 1n, false),
        "0x262d07fe8f3a3c633d29ac23b694c521f56122951936b4adaa4359082397e698",
      ],
      [
        loanLog.refinanced(terms, terms),
        "0x233042ebeacb5bc6d047bade1bf0e7f4fe10c827775a45daa51d2b955d09c883",
      ],
      [
        loanLog.refinancedOld(terms, terms),
        "0xbe77f96c5953d5f9bcb7120475ed812a57f585d4cb7b8f2920293a17df420579",
      ],
      [loanLog.breached(terms), "0xe9571907445ea031fc8642e9bf15d009378ef16d305d566b37d2e4b7ec6564b2"],
      [loanLog.liquidated(terms), "0x3e24a18afdf4b207766359f50e1aed359e8324d352510d7c8c86402b23101a51"],
      [loanLog.proceeds(terms), "0xca426fef28e75eb508b47642db866ad1f9d6466d316a5962f95693f9c6db8f4d"],
    ] as const;
    for (const [log, selector] of selectors) expect(log.topics[0]).toBe(selector);
    // Only its ends are published in our facts.
    expect(loanLog.canceled(terms).topics[0]).toMatch(/^0xda88fa56.*d9e9a532$/);
  });

  it("are read into events", () => {
    expect(decode(loanLog.deposited(terms))).toEqual({
      kind: "deposited",
      ...staged,
      target: testSettings.router,
      expiration_s: terms.expiration_s,
    });
    expect(decode(loanLog.canceled(terms))).toEqual({
      kind: "canceled",
      ...staged,
      target: testSettings.router,
    });
    expect(decode(loanLog.withdrawn(terms))).toEqual({
      kind: "withdrawn",
      ...staged,
      withdrawer: testSettings.router,
    });
    expect(decode(loanLog.originated(terms))).toEqual({ kind: "originated", loan, terms });
    expect(decode(loanLog.originatedOld(terms))).toEqual({ kind: "originated", loan, terms: null });
    expect(decode(loanLog.repaid(terms, 9n, true))).toEqual({
      kind: "repaid",
      loan,
      principal: 9n,
      interest: 5n,
      prepayment: 1n,
      fee: 2n,
      is_repaid: true,
    });
    const next = loanOn([5n, 6n], 1);
    const refinanced = { kind: "refinanced", loan, new_loan: hashOf(next), terms: next };
    expect(decode(loanLog.refinanced(terms, next))).toEqual(refinanced);
    expect(decode(loanLog.refinancedOld(terms, next))).toEqual(refinanced);
    expect(decode(loanLog.breached(terms))).toEqual({ kind: "breached", loan });
    expect(decode(loanLog.liquidated(terms))).toEqual({ kind: "liquidated", loan });
    expect(decode(loanLog.proceeds(terms))).toEqual({
      kind: "proceeds",
      loan,
      proceeds: 100n,
      fee: 1n,
      surplus: 0n,
    });
  });

  it("give terms only under their own hash and in a form that is known", () => {
    const [item] = routerEvents;
    const bare = (bytes: string) =>
      loanLog.of(testSettings.router, item, { loanTermsHash: loan, loanTerms: bytes });
    expect(decode(bare("0x"))).toEqual({ kind: "originated", loan, terms: null });
    const other = loanLog.originated(loanOn([7n]));
    expect(decode({ ...other, topics: [other.topics[0]!, loan] })).toEqual({
      kind: "originated",
      loan,
      terms: null,
    });
  });

  it("count only from their own contract", () => {
    const { router, timelock } = testSettings;
    expect(decode({ ...loanLog.deposited(terms), address: router })).toBe("unknown");
    expect(decode({ ...loanLog.breached(terms), address: timelock })).toBe("unknown");
  });

  it("that are of no concern are left out, and what was never heard of is told", () => {
    const transfer = {
      address: testSettings.router,
      topics: [toEventSelector("Transfer(address,address,uint256)"), zeroHash, zeroHash, zeroHash],
      data: "0x",
    } as const;
    expect(decode({ ...transfer, topics: [...transfer.topics] })).toBeNull();
    const upgraded = parseAbiItem("event Upgraded(address indexed implementation)");
    expect(decode(loanLog.of(testSettings.router, upgraded, { implementation: zeroAddress }))).toBe(
      "unknown",
    );
    expect(decode({ address: testSettings.router, topics: [], data: "0x" })).toBe("unknown");
  });

  it("whose data are cut or whose topics are too few stop the reading", () => {
    for (const log of [
      { ...loanLog.deposited(terms), data: "0x1234" as const },
      { ...loanLog.repaid(terms, 1n, false), data: "0x" as const },
      { ...loanLog.breached(terms), topics: loanLog.breached(terms).topics.slice(0, 1) },
    ]) {
      expect(() => decode(log)).toThrow(expect.objectContaining({ code: "LOANS_LOG_UNREADABLE" }));
    }
  });
});
