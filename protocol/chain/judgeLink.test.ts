import fc from "fast-check";
import { describe, expect, it } from "vitest";
import vector from "../../fixtures/vectors/chain.json" with { type: "json" };
import { CaliberError } from "../errors.js";
import { type ChainHead, genesisPrev } from "./chainHead.js";
import { judgeLink, type LinkCandidate, type Neighbours, type RecordedLink } from "./judgeLink.js";

/** A registry's record of one chain, as small as it can be. */
function createRecord() {
  const links = new Map<number, RecordedLink>();
  const neighbours = (seq: number): Neighbours => {
    const all = [...links.values()].sort((a, b) => a.seq - b.seq);
    return {
      at: links.get(seq) ?? null,
      below: all.findLast((link) => link.seq < seq) ?? null,
      above: all.find((link) => link.seq > seq) ?? null,
    };
  };
  const head = (): ChainHead | null => {
    const last = [...links.values()].sort((a, b) => a.seq - b.seq).at(-1);
    return last ? { seq: last.seq, statement: last.statement, window_end_ms: last.end_ms } : null;
  };
  return {
    links,
    head,
    /** The verdict or the refusal's code; an accepted report is recorded. */
    take(report: LinkCandidate): string {
      try {
        const { verdict } = judgeLink(head(), report, neighbours);
        if (verdict !== "duplicate") links.set(report.seq, { ...report, ...report.window });
        return verdict;
      } catch (error) {
        if (error instanceof CaliberError) return error.code;
        throw error;
      }
    },
  };
}

const statement = (seq: number, fork = 0) => `${fork}${seq.toString(16)}`.padStart(64, "f");

function honestChain(lengths: readonly number[]): LinkCandidate[] {
  let at = 1000;
  return lengths.map((length, seq) => {
    const window = { start_ms: at, end_ms: at + length };
    at += length;
    return { seq, prev: seq === 0 ? genesisPrev : statement(seq - 1), statement: statement(seq), window };
  });
}

const chain = fc.array(fc.nat(100), { minLength: 1, maxLength: 12 }).map(honestChain);
/** Every report at least once, some again, in any order. */
const delivery = chain.chain((reports) =>
  fc.record({
    reports: fc.constant(reports),
    order: fc
      .tuple(
        fc.shuffledSubarray(reports, { minLength: reports.length }),
        fc.array(fc.constantFrom(...reports), { maxLength: 12 }),
      )
      .map(([all, again]) => [...all, ...again]),
  }),
);

describe("the chain vectors", () => {
  it.each(vector.cases)("$name", (one) => {
    const judge = () => judgeLink(one.head, one.report, () => one.neighbours);
    if (one.code !== undefined) expect(judge).toThrow(expect.objectContaining({ code: one.code }));
    else expect(judge()).toEqual(one.verdict);
  });
});

describe("judgeLink over histories", () => {
  it("keeps an honest chain whole through any order and repetition", () => {
    fc.assert(
      fc.property(delivery, ({ reports, order }) => {
        const record = createRecord();
        const seen = new Set<number>();
        let highest = -1;
        for (const report of order) {
          const expected = seen.has(report.seq)
            ? "duplicate"
            : report.seq === highest + 1
              ? "next"
              : report.seq > highest
                ? "jump"
                : "fill";
          expect(record.take(report)).toBe(expected);
          seen.add(report.seq);
          highest = Math.max(highest, report.seq);
        }
        expect(record.links.size).toBe(reports.length);
        expect(record.head()?.statement).toBe(reports.at(-1)!.statement);
      }),
      { numRuns: 300 },
    );
  });

  it("shows exactly what was lost as a gap", () => {
    fc.assert(
      fc.property(chain, fc.func(fc.boolean()), (reports, isLost) => {
        const record = createRecord();
        const open = new Set<number>();
        for (const report of reports.filter(({ seq }) => !isLost(seq))) {
          const outcome = judgeLink(record.head(), report, () => ({ at: null, below: null, above: null }));
          if (outcome.verdict === "jump") {
            for (let seq = outcome.missing.from; seq <= outcome.missing.to; seq += 1) open.add(seq);
          }
          record.links.set(report.seq, { ...report, ...report.window });
        }
        const last = record.head()?.seq ?? -1;
        const lost = reports.filter(({ seq }) => seq < last && isLost(seq)).map(({ seq }) => seq);
        expect([...open]).toEqual(lost);
      }),
    );
  });

  it("never lets a second statement for one seq in, however it looks", () => {
    fc.assert(
      fc.property(delivery, fc.nat(), fc.nat(2000), fc.nat(2000), ({ reports, order }, pick, start, end) => {
        const record = createRecord();
        for (const report of order) record.take(report);
        const target = reports[pick % reports.length]!;
        const forged = {
          ...target,
          statement: statement(target.seq, 1),
          window: { start_ms: start, end_ms: end },
        };
        expect(record.take(forged)).toBe("EQUIVOCATION");
        expect(record.links.get(target.seq)?.statement).toBe(target.statement);
      }),
    );
  });

  it("leaves a record that links and ascends, whatever a signer sends", () => {
    const report = fc
      .record({
        seq: fc.nat(8),
        fork: fc.nat(1),
        prevFork: fc.nat(1),
        genesis: fc.boolean(),
        start: fc.nat(60),
        length: fc.integer({ min: -3, max: 20 }),
      })
      .map(({ seq, fork, prevFork, genesis, start, length }) => ({
        seq,
        statement: statement(seq, fork),
        prev: genesis ? genesisPrev : statement(Math.max(0, seq - 1), prevFork),
        window: { start_ms: start, end_ms: start + length },
      }));
    fc.assert(
      fc.property(fc.array(report, { maxLength: 40 }), (reports) => {
        const record = createRecord();
        for (const one of reports) record.take(one);
        const links = [...record.links.values()].sort((a, b) => a.seq - b.seq);
        links.forEach((link, i) => {
          expect(link.end_ms).toBeGreaterThanOrEqual(link.start_ms);
          if (link.seq === 0) expect(link.prev).toBe(genesisPrev);
          const before = links[i - 1];
          if (before === undefined) return;
          expect(link.start_ms).toBeGreaterThanOrEqual(before.end_ms);
          if (before.seq + 1 === link.seq) expect(link.prev).toBe(before.statement);
        });
      }),
      { numRuns: 500 },
    );
  });

  it("does not look for neighbours of a report past the head", () => {
    const [first, second] = honestChain([10, 10]);
    const head = { seq: 0, statement: first!.statement, window_end_ms: first!.window.end_ms };
    const refuse = () => {
      throw new Error("asked");
    };
    expect(judgeLink(null, first!, refuse)).toEqual({ verdict: "next" });
    expect(judgeLink(head, second!, refuse)).toEqual({ verdict: "next" });
  });
});
