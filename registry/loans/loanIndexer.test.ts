import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LoanTerms } from "../credit/loanTerms/loanTerms.js";
import type { ChainLog } from "./loanChain.js";
import { hashOf, loanLog, loanOn, type RawLog, testSettings } from "./testing/loanLog.js";
import { openLoans, type TestLoans } from "./testing/openLoans.js";

const coded = (code: string) => expect.objectContaining({ code });

/** All that the index holds, for comparing two of them. */
function contents({ db, view }: TestLoans) {
  const rows = db
    .prepare(
      "SELECT block_number, block_hash, log_index, tx_hash, time_s, topics, data FROM loan_log ORDER BY 1, 3",
    )
    .all();
  return { rows, loans: view.loans({ after: null, limit: 1_000 }) };
}

/** What a new index makes of the same chain. */
async function fresh(loans: TestLoans, changes: Parameters<typeof openLoans>[0] = {}) {
  const other = openLoans(changes);
  Object.assign(other.chain, {
    head: loans.chain.head,
    block: loans.chain.block,
    logs: loans.chain.logs,
    loanState: loans.chain.loanState,
    calldata: loans.chain.calldata,
  });
  await other.follow();
  return contents(other);
}

/** Less what depends on how far, and by which way, the chain was read: terms once seen under their hash stay known. */
const settled = ({ rows, loans }: ReturnType<typeof contents>) => ({
  rows,
  loans: loans.map(({ chain_state: _, confirmed_phase: __, terms, collateral, originated, ...loan }) => ({
    ...loan,
    originated,
    ...(originated === null ? {} : { terms, collateral }),
  })),
});

/** The same logs as stand on the chain, and the same loans as a new index finds in them. */
async function expectTrue(loans: TestLoans): Promise<void> {
  expectStanding(loans);
  expect(settled(contents(loans))).toEqual(settled(await fresh(loans)));
}

function expectStanding(loans: TestLoans): void {
  expect(
    loans.db.prepare("SELECT block_hash, log_index FROM loan_log ORDER BY block_number, log_index").all(),
  ).toEqual(loans.chain.standing().map(({ block_hash, log_index }) => ({ block_hash, log_index })));
}

/** Lives of loans, a log a block, each on a token of its own. */
function lives(from: number, count: number): RawLog[] {
  return Array.from({ length: count }, (_, i) => {
    const terms = loanOn([BigInt(from + Math.floor(i / 4))], from % 256);
    const steps = [loanLog.deposited, loanLog.withdrawn, loanLog.originated, loanLog.breached];
    return steps[i % 4]!(terms);
  });
}

describe("reorganisations", () => {
  it.each([1, 17, 33, 49])(
    "of all depths, 16 from %i on, leave what stands on the chain alone",
    async (from) => {
      for (let depth = from; depth < from + 16; depth += 1) {
        const loans = openLoans();
        for (const log of lives(0, 70)) loans.chain.mine(log);
        await loans.follow();
        expectStanding(loans);
        // Some logs move to other blocks, some go, new ones come.
        const moved = lives(0, 70)
          .slice(70 - depth)
          .reverse();
        loans.chain.reorg(depth, [...moved.map((log, i) => (i % 3 === 0 ? [] : [log])), lives(200, 4)]);
        await (depth % 2 === 0 ? loans.restart() : loans).follow();
        expectStanding(loans);
        expect(loans.view.status()).toMatchObject({ is_whole: true, confirmed_number: 7 });
        if (depth % 16 === 0) await expectTrue(loans);
      }
    },
  );

  it("one on another, in each of many rounds", async () => {
    const loans = openLoans();
    for (const log of lives(0, 70)) loans.chain.mine(log);
    for (let round = 1; round <= 12; round += 1) {
      const depth = (round * 13) % 64;
      loans.chain.reorg(depth, [...lives(round * 20, depth).map((log) => [log]), []]);
      await loans.follow();
      await expectTrue(loans);
    }
  });

  it.each([65, 66, 80, 99, 100])(
    "of %i blocks, deeper than what was confirmed, are read again",
    async (depth) => {
      const loans = openLoans();
      for (const log of lives(0, 100)) loans.chain.mine(log);
      await loans.follow();
      loans.chain.reorg(
        depth,
        lives(50, depth + 1).map((log) => [log]),
      );
      loans.chain.before = (method) => {
        if (method === "logs") throw new Error("timeout");
      };
      await expect(loans.indexer.step()).rejects.toThrow(coded("LOANS_RPC"));
      // What is no longer known must not pass for what is not so.
      expect(() => loans.view.assertCurrent(1e9)).toThrow(coded("LOANS_NOT_CURRENT"));
      loans.chain.before = () => undefined;
      await loans.follow();
      await expectTrue(loans);
      loans.view.assertCurrent(1e9);
    },
  );

  it("in the midst of a reading keep nothing of it", async () => {
    const loans = openLoans();
    for (const log of lives(0, 80)) loans.chain.mine(log);
    await loans.follow();
    const before = contents(loans);
    loans.chain.mineEmpty(1);
    loans.chain.before = (method) => {
      if (method !== "logs") return;
      loans.chain.before = () => undefined;
      loans.chain.reorg(
        5,
        lives(100, 6).map((log) => [log]),
      );
    };
    await expect(loans.indexer.step()).rejects.toThrow(coded("LOANS_REORG_DURING_READ"));
    expect(settled(contents(loans))).toEqual(settled(before));
    await loans.follow();
    await expectTrue(loans);
  });

  it("that take a loan's logs take what was read of its state", async () => {
    const loans = openLoans();
    const terms = loanOn([5n]);
    loans.chain.mine(loanLog.deposited(terms));
    loans.chain.mine(loanLog.withdrawn(terms), loanLog.originated(terms));
    loans.chain.setState(hashOf(terms), {
      status: "active",
      repayment_count: 3,
      origination_s: 1,
      scaled_balance: 9n,
    });
    await loans.follow();
    expect(loans.view.loan(hashOf(terms))?.chain_state).toMatchObject({ repayment_count: 3 });
    loans.chain.reorg(1, [[], []]);
    await loans.follow();
    expect(loans.view.loan(hashOf(terms))).toMatchObject({ phase: "staged", chain_state: null });
  });
});

describe("a node", () => {
  it("that fails at any call costs nothing but the round", async () => {
    const settings = { depth_blocks: 8, range_blocks: 4 };
    const reference = openLoans(settings);
    const chainOf = (loans: TestLoans) => {
      for (const log of lives(0, 24)) loans.chain.mine(log);
    };
    chainOf(reference);
    let calls = 0;
    reference.chain.before = () => {
      calls += 1;
    };
    await reference.follow();
    expect(calls).toBeGreaterThan(50);
    for (let bad = 0; bad < calls; bad += 2) {
      const loans = openLoans(settings);
      chainOf(loans);
      let n = 0;
      loans.chain.before = () => {
        n += 1;
        if (n === bad + 1) throw new Error("connection refused");
      };
      await expect(loans.follow()).rejects.toThrow(coded("LOANS_RPC"));
      await (bad % 2 === 0 ? loans : loans.restart()).follow();
      await expectTrue(loans);
    }
  });

  it("that is away for long is gone on with where it left off", async () => {
    const loans = openLoans();
    for (const log of lives(0, 100)) loans.chain.mine(log);
    await loans.follow();
    const { confirmed } = loans.store.cursor();
    loans.chain.before = () => {
      throw new Error("connection refused");
    };
    for (let i = 0; i < 5; i += 1) await expect(loans.indexer.step()).rejects.toThrow(coded("LOANS_RPC"));
    expect(loans.store.cursor().confirmed).toEqual(confirmed);
    for (const log of lives(300, 100)) loans.chain.mine(log);
    loans.chain.before = () => undefined;
    loans.chain.asked.length = 0;
    await loans.follow();
    expect(Math.min(...loans.chain.asked.map(([from]) => from))).toBe(confirmed.number + 1);
    await expectTrue(loans);
  });

  it("is asked for bounded ranges without gap, and for smaller ones when it refuses", async () => {
    const loans = openLoans({ range_blocks: 16, depth_blocks: 8 });
    for (const log of lives(0, 100)) loans.chain.mine(log);
    loans.chain.before = (method, from, to) => {
      if (method === "logs" && Number(to) - Number(from) + 1 > 8) throw new Error("range too large");
    };
    for (let left = 100; left > 0; left -= 1) {
      const step = await loans.indexer.step().catch(() => "refused");
      if (step === "current") break;
    }
    let next = 1;
    for (const [from, to] of loans.chain.asked) {
      expect(from).toBe(next);
      expect(to - from).toBeLessThan(16);
      next = to + 1;
    }
    expect(next).toBe(101);
    loans.chain.before = () => undefined;
    await expectTrue(loans);
  });

  it("that says everything twice and in disorder is taken at its word once", async () => {
    const loans = openLoans();
    loans.chain.bendLogs = (logs) => [...logs, ...logs].reverse();
    for (const log of lives(0, 90)) loans.chain.mine(log, log);
    await loans.follow();
    await loans.follow();
    expect(contents(loans).rows).toHaveLength(180);
    loans.chain.bendLogs = (logs) => logs;
    await expectTrue(loans);
  });

  it("that keeps logs back is found out by the next reading, at the latest at the confirmed depth", async () => {
    const loans = openLoans();
    for (const log of lives(0, 60)) loans.chain.mine(log);
    loans.chain.bendLogs = (logs) => logs.filter(({ block_number }) => block_number < 50);
    await loans.follow();
    expect(contents(loans).rows).toHaveLength(49);
    loans.chain.bendLogs = (logs) => logs;
    loans.chain.mineEmpty(120);
    await loans.follow();
    await expectTrue(loans);
  });

  it("that keeps back what it gave before is held to it, in the window and when that is confirmed", async () => {
    const loans = openLoans({ depth_blocks: 8 });
    for (const log of lives(0, 12)) loans.chain.mine(log);
    await loans.follow();
    const before = contents(loans);
    for (const keep of [2, 9]) {
      loans.chain.bendLogs = (logs) => logs.filter(({ block_number }) => block_number <= keep);
      if (keep === 2) loans.chain.mineEmpty(6);
      await expect(loans.follow()).rejects.toThrow(coded("LOANS_LOG_WITHHELD"));
      expect(settled(contents(loans))).toEqual(settled(before));
    }
    loans.chain.bendLogs = (logs) => logs;
    await loans.follow();
    await expectTrue(loans);
  });

  it.each<[string, (log: ChainLog) => Partial<ChainLog>[]]>([
    ["of another contract", () => [{ address: "0x00000000000000000000000000000000000000ff" }]],
    ["of another block", () => [{ block_number: 9_999 }]],
    ["twice, and differently", () => [{}, { data: "0x1234" }]],
  ])("that gives a log %s is refused", async (_, bend) => {
    const loans = openLoans();
    for (const log of lives(0, 10)) loans.chain.mine(log);
    await loans.follow();
    const before = contents(loans);
    loans.chain.bendLogs = ([first, ...rest]) => [
      ...bend(first!).map((change) => ({ ...first!, ...change })),
      ...rest,
    ];
    await expect(loans.indexer.step()).rejects.toThrow(coded("LOANS_LOG_REFUSED"));
    expect(contents(loans)).toEqual(before);
  });

  it("that gives a log of a block that is not on the chain is not believed", async () => {
    const loans = openLoans();
    for (const log of lives(0, 10)) loans.chain.mine(log);
    loans.chain.bendLogs = (logs) => logs.map((log) => ({ ...log, block_hash: `0x${"ab".repeat(32)}` }));
    await expect(loans.indexer.step()).rejects.toThrow(coded("LOANS_REORG_DURING_READ"));
    expect(contents(loans).rows).toHaveLength(0);
  });

  it("that lags or came back older unsays nothing", async () => {
    const loans = openLoans();
    for (const log of lives(0, 80)) loans.chain.mine(log);
    await loans.follow();
    const before = contents(loans);
    const { head } = loans.chain;
    for (const behind of [1, 10, 79]) {
      loans.chain.head = async () => (await loans.chain.block(80 - behind))!;
      await expect(loans.indexer.step()).rejects.toThrow(coded("LOANS_NODE_BEHIND"));
      expect(contents(loans)).toEqual(before);
    }
    loans.chain.head = head;
    loans.chain.mine();
    await loans.follow();
    await expectTrue(loans);
  });

  it("of another chain is refused before anything is read", async () => {
    const loans = openLoans();
    loans.chain.mine(...lives(0, 1));
    loans.chain.chainId = async () => 1;
    await expect(loans.indexer.step()).rejects.toThrow(coded("LOANS_CHAIN_WRONG"));
    expect(loans.chain.asked).toEqual([]);
  });
});

it("a log that cannot be read stops the index in front of it, told", async () => {
  const loans = openLoans();
  loans.chain.mine(loanLog.deposited(loanOn([1n])));
  await loans.follow();
  loans.chain.mine({ ...loanLog.deposited(loanOn([2n])), data: "0x00" });
  await expect(loans.indexer.step()).rejects.toThrow(coded("LOANS_LOG_UNREADABLE"));
  expect(contents(loans).rows).toHaveLength(1);
  expect(loans.store.cursor().head?.number).toBe(1);
});

it("hidden, doubled and failing answers, reorganisations and kills in any order end in the truth", async () => {
  const terms: LoanTerms[] = Array.from({ length: 6 }, (_, i) => loanOn([BigInt(i)], i));
  const log = fc
    .record({
      which: fc.nat(5),
      kind: fc.constantFrom("deposited", "withdrawn", "canceled", "originated", "breached"),
    })
    .map(({ which, kind }) => loanLog[kind as "deposited"](terms[which]!));
  const block = fc.array(log, { maxLength: 2 });
  const act = fc.oneof(
    fc.record({ do: fc.constant("mine" as const), blocks: fc.array(block, { minLength: 1, maxLength: 12 }) }),
    fc.record({
      do: fc.constant("reorg" as const),
      depth: fc.nat(30),
      blocks: fc.array(block, { maxLength: 4 }),
    }),
    fc.record({ do: fc.constant("hide" as const), every: fc.integer({ min: 2, max: 4 }) }),
    fc.record({ do: fc.constant("double" as const) }),
    fc.record({ do: fc.constant("fail" as const), after: fc.nat(12) }),
    fc.record({ do: fc.constant("kill" as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 25 }), async (acts) => {
      let loans = openLoans({ depth_blocks: 16 });
      loans.chain.mineEmpty(3);
      for (const each of acts) {
        loans.chain.before = () => undefined;
        loans.chain.bendLogs = (logs) => logs;
        if (each.do === "mine") for (const logs of each.blocks) loans.chain.mine(...logs);
        if (each.do === "reorg") {
          const height = (await loans.chain.head()).number;
          loans.chain.reorg(Math.min(each.depth, height), each.blocks);
          // A chain does not stay shorter than it was.
          loans.chain.mineEmpty(Math.max(1, each.depth - each.blocks.length + 1));
        }
        if (each.do === "hide") loans.chain.bendLogs = (logs) => logs.filter((_, i) => i % each.every !== 0);
        if (each.do === "double") loans.chain.bendLogs = (logs) => [...logs, ...logs];
        if (each.do === "fail") {
          let left = each.after;
          loans.chain.before = () => {
            left -= 1;
            if (left < 0) throw new Error("connection reset");
          };
        }
        if (each.do === "kill") loans = loans.restart();
        await loans.indexer.step().catch((error: { code?: string }) => {
          expect(error.code).toMatch(/^LOANS_(RPC|LOG_WITHHELD)$/);
        });
      }
      loans.chain.before = () => undefined;
      loans.chain.bendLogs = (logs) => logs;
      // A log hidden in the confirmed reading is lost: that a node 16 blocks late still lacks it is not survived.
      if (acts.every((each) => each.do !== "hide")) {
        await loans.follow();
        await expectTrue(loans);
      } else {
        await loans.follow();
        const standing = loans.chain.standing();
        const unconfirmed = standing.filter(
          ({ block_number }) => block_number > loans.store.cursor().confirmed.number,
        );
        const held = contents(loans).rows as { block_hash: string; log_index: number }[];
        for (const { block_hash, log_index } of unconfirmed) {
          expect(held.some((row) => row.block_hash === block_hash && row.log_index === log_index)).toBe(true);
        }
      }
    }),
    { numRuns: 60 },
  );
});

it("keeps few hashes of what is confirmed", async () => {
  const loans = openLoans({ range_blocks: 1, depth_blocks: 2 });
  loans.chain.mineEmpty(400);
  await loans.follow();
  expect(loans.store.marks()).toHaveLength(256);
  expect(loans.store.cursor()).toMatchObject({ confirmed: { number: 398 }, head: { number: 400 } });
  expect(testSettings.depth_blocks).toBe(64);
});
