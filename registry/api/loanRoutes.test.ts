import { describe, expect, it } from "vitest";
import type { TokenFacts } from "../health/deviceFold.js";
import { hashOf, loanLog, loanOn, testSettings } from "../loans/testing/loanLog.js";
import { openLoans } from "../loans/testing/openLoans.js";
import { loanRoutes } from "./loanRoutes.js";
import { tokenLoans } from "./tokenLoans.js";

const start = () => {
  const { chain, view, follow } = openLoans();
  const models = { interest: new Map(), fee: new Map() };
  const loans = { view, models, collateral: testSettings.collateral, fault: () => null };
  const routes = loanRoutes({ loans, now_ms: () => 1_770_000_000_000 });
  // biome-ignore lint/suspicious/noExplicitAny: JSON from outside, held against what is expected of it
  const get = async (target: string): Promise<any> => {
    const url = new URL(target, "http://localhost");
    for (const { pattern, handle } of routes) {
      const match = pattern.exec(url.pathname);
      if (match === null) continue;
      const answer = await handle({ path: url.pathname, query: url.searchParams }, match.slice(1));
      return JSON.parse(String(answer.body));
    }
    throw new Error(`no route for ${target}`);
  };
  return { chain, follow, get, loans };
};

const token = (token_id: string, contract: string = testSettings.collateral): TokenFacts => ({
  chain_id: testSettings.chain_id,
  contract,
  token_id,
  tx: "0x",
  material: "",
  amended_ms: null,
  rotated_ms: null,
  key: "d".repeat(64),
});

describe("loans over the API", () => {
  it("come a page at a time, with how far the chain was read", async () => {
    const { chain, follow, get } = start();
    const terms = [1n, 2n, 3n].map((id) => loanOn([id]));
    chain.mine(...terms.map((each) => loanLog.deposited(each)));
    await follow();
    const hashes = terms.map(hashOf).sort();
    const first = await get("/v1/loans?limit=2");
    expect(first.loans.map(({ loan }: { loan: string }) => loan)).toEqual(hashes.slice(0, 2));
    expect(first.next).toBe(hashes[1]);
    expect(first.index).toMatchObject({ head: { number: 1 }, is_whole: true, fault: null });
    const second = await get(`/v1/loans?after=${first.next}`);
    expect(second.loans.map(({ loan }: { loan: string }) => loan)).toEqual(hashes.slice(2));
    const third = await get(`/v1/loans?after=${second.next}`);
    expect(third).toMatchObject({ loans: [], next: hashes[2] });
    await expect(get("/v1/loans?after=0x12")).rejects.toMatchObject({ status: 400, code: "QUERY_INVALID" });
    await expect(get("/v1/loans?limit=x")).rejects.toMatchObject({ status: 400, code: "QUERY_INVALID" });
  });

  it("tell one loan with its sums as text, and why nothing is said of what is due", async () => {
    const { chain, follow, get } = start();
    const terms = loanOn([5n, 6n]);
    chain.mine(loanLog.deposited(terms), loanLog.withdrawn(terms), loanLog.originated(terms));
    await follow();
    expect(await get(`/v1/loans/${hashOf(terms)}`)).toMatchObject({
      phase: "active",
      is_pledged: true,
      terms: { collateral_token_ids: ["5", "6"] },
      chain_state: { scaled_balance: "1" },
      due: null,
      due_error: "MODEL_UNKNOWN",
    });
    await expect(get(`/v1/loans/0x${"00".repeat(32)}`)).rejects.toMatchObject({
      status: 404,
      code: "LOAN_UNKNOWN",
    });
  });

  it("are refused by name where none are followed", async () => {
    const [list] = loanRoutes({ loans: null, now_ms: Date.now });
    expect(() => list!.handle({ path: "/v1/loans", query: new URLSearchParams() }, [])).toThrow(
      expect.objectContaining({ status: 404, code: "LOANS_OFF" }),
    );
  });
});

describe("a token's loan", () => {
  const tokenLoan = (one: TokenFacts, loans: Parameters<typeof tokenLoans>[1]) =>
    tokenLoans([one], loans)(one);

  it("is the one that binds it, else the last, and none for another contract's token", async () => {
    const { chain, follow, loans } = start();
    const old = loanOn([5n], 1);
    const next = loanOn([5n], 2);
    chain.mine(loanLog.deposited(old), loanLog.canceled(old));
    await follow();
    expect(tokenLoan(token("5"), loans)).toMatchObject({
      loan: hashOf(old),
      hold: "free",
      phase: "returned",
    });
    chain.mine(loanLog.deposited(next));
    await follow();
    expect(tokenLoan(token("5"), loans)).toMatchObject({
      loan: hashOf(next),
      hold: "staged",
      history: [hashOf(next), hashOf(old)],
    });
    expect(tokenLoan(token("6"), loans)).toBeNull();
    expect(tokenLoan(token("5", `0x${"ee".repeat(20)}`), loans)).toBeNull();
    expect(tokenLoan(token("5"), null)).toBeNull();
  });
});
