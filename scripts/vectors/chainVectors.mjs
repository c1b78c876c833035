// chain.json: the chain rules as head, candidate, neighbours → verdict or code.
import { sha256 } from "./es256.mjs";

const zeros = "0".repeat(64);
const name = (text) => sha256(`vector: statement ${text}`).toString("hex");
const second = 1000;
/** Report n of the honest chain covers the n-th minute. */
const honest = (seq) => ({
  seq,
  prev: seq === 0 ? zeros : name(seq - 1),
  statement: name(seq),
  window: { start_ms: seq * 60 * second, end_ms: (seq + 1) * 60 * second },
});
const recorded = ({ window, ...link }) => ({ ...link, ...window });
const headAt = (seq) => ({ seq, statement: name(seq), window_end_ms: honest(seq).window.end_ms });
const none = { at: null, below: null, above: null };
/** Neighbours of `seq` when the reports `on` are on record. */
const around = (seq, on) => {
  const find = (list) => list.map((n) => recorded(honest(n)))[0] ?? null;
  return {
    at: find(on.filter((n) => n === seq)),
    below: find(on.filter((n) => n < seq).sort((a, b) => b - a)),
    above: find(on.filter((n) => n > seq).sort((a, b) => a - b)),
  };
};

export function chainVectors() {
  const on = [0, 1, 4, 5];
  const head = headAt(5);
  const next = honest(6);
  const ok = (title, at, report, verdict, neighbours = none) => ({
    name: title,
    head: at,
    report,
    neighbours,
    verdict,
  });
  const no = (title, at, report, code, neighbours = none) => ({
    name: title,
    head: at,
    report,
    neighbours,
    code,
  });
  const old = (seq, change = {}) => ({ ...honest(seq), ...change });
  const windowOf = (start_ms, end_ms) => ({ start_ms, end_ms });
  const jump = (from, to) => ({ verdict: "jump", missing: { from, to } });
  return {
    description:
      "Chain rules for one report. `head` is the latest report on record or null; `neighbours` are the reports on record at, next below and next above the report's seq, used only when seq is at or below the head's. Either `verdict` or `code` is expected.",
    source: "scripts/vectors/generate.mjs",
    cases: [
      ok("first report", null, honest(0), { verdict: "next" }),
      ok("first seen is not the first: a gap is open", null, honest(3), jump(0, 2)),
      ok("next", head, next, { verdict: "next" }),
      ok(
        "an empty window at the head's end",
        head,
        { ...next, window: windowOf(360_000, 360_000) },
        { verdict: "next" },
      ),
      ok(
        "later than the head's end",
        head,
        { ...next, window: windowOf(400_000, 460_000) },
        { verdict: "next" },
      ),
      ok("two are missing", head, honest(8), jump(6, 7)),
      ok("the head again", head, honest(5), { verdict: "duplicate" }, around(5, on)),
      ok("an old one again", head, honest(1), { verdict: "duplicate" }, around(1, on)),
      ok("into the gap, from below", head, honest(2), { verdict: "fill" }, around(2, on)),
      ok("into the gap, up to above", head, honest(3), { verdict: "fill" }, around(3, on)),
      ok("the first, after a jump", headAt(3), honest(0), { verdict: "fill" }, around(0, [3])),
      no("the first report names a predecessor", null, old(0, { prev: name("other") }), "PREV_MISMATCH"),
      no(
        "the first report, after a jump, names a predecessor",
        headAt(3),
        old(0, { prev: name("other") }),
        "PREV_MISMATCH",
        around(0, [3]),
      ),
      no("next to another statement", head, { ...next, prev: name("other") }, "PREV_MISMATCH"),
      no("ends before it starts", head, { ...next, window: windowOf(420_000, 419_999) }, "WINDOW_INVERTED"),
      no(
        "starts before the head's end",
        head,
        { ...next, window: windowOf(359_999, 420_000) },
        "WINDOW_OVERLAP",
      ),
      no("a jump back in time", head, { ...honest(8), window: windowOf(359_999, 420_000) }, "WINDOW_OVERLAP"),
      no(
        "the head's seq, another statement",
        head,
        old(5, { statement: name("other") }),
        "EQUIVOCATION",
        around(5, on),
      ),
      no(
        "an old seq, another statement",
        head,
        old(1, { statement: name("other") }),
        "EQUIVOCATION",
        around(1, on),
      ),
      no(
        "a second statement that is wrong in other ways too",
        head,
        old(1, { statement: name("other"), prev: name("x"), window: windowOf(2, 1) }),
        "EQUIVOCATION",
        around(1, on),
      ),
      no(
        "fill: not what follows below",
        head,
        old(2, { prev: name("other") }),
        "PREV_MISMATCH",
        around(2, on),
      ),
      no(
        "fill: not what above names",
        head,
        old(3, { statement: name("other") }),
        "PREV_MISMATCH",
        around(3, on),
      ),
      no(
        "fill: ends before it starts",
        head,
        old(2, { window: windowOf(180_000, 120_000) }),
        "WINDOW_INVERTED",
        around(2, on),
      ),
      no(
        "fill: starts before below ends",
        head,
        old(2, { window: windowOf(119_999, 180_000) }),
        "WINDOW_OVERLAP",
        around(2, on),
      ),
      no(
        "fill: ends after above starts",
        head,
        old(3, { window: windowOf(180_000, 240_001) }),
        "WINDOW_OVERLAP",
        around(3, on),
      ),
    ],
  };
}
