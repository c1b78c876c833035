import type { Database } from "better-sqlite3";
import type { Hex } from "viem";
import { CaliberError } from "../../protocol/errors.js";
import { ensureIntentTables } from "./ensureIntentTables.js";
import {
  type Intent,
  type IntentBlock,
  type IntentKind,
  type IntentState,
  type IntentWork,
  intentId,
  type SignedTx,
} from "./intent.js";

/**
 * Everything the chain writer must not forget. Each call that changes something is one transaction and durable when
 * it returns; a kill between any two calls leaves a state from which the writer goes on.
 */
export type IntentStore = {
  /**
   * Writes the work down as `wanted`. A final intent of the same name lives again, without the transactions of its
   * first life, whose receipts would end the second; one under way is left alone.
   */
  want(work: IntentWork): void;
  find(id: string): Intent | null;
  /** Oldest first. */
  inState(...states: IntentState[]): Intent[];
  /** Blocks that intents rest on, newest first. */
  blocks(): IntentBlock[];
  inBlock(block: IntentBlock): Intent[];
  /** All transactions ever signed for the intent, newest first. */
  txs(id: string): SignedTx[];
  /** Stores a transaction before it is sent; the intent is `signed` from then on. */
  sign(id: string, tx: SignedTx): void;
  /** The effect is on chain, by `tx`, in `block`. */
  mine(id: string, tx: Hex, block: IntentBlock): void;
  finish(id: string, state: "done" | "failed" | "obsolete", error: string | null): void;
  /** The transaction reverted in `block`: its nonce is spent. */
  revert(id: string, state: "failed" | "obsolete", error: string, tx: Hex, block: IntentBlock): void;
  /** Their blocks are gone; the stored transactions are to be sent again. */
  unmine(ids: string[]): void;
  /** The nonce is of no use any more; the stored transactions stay, since one may yet be mined. */
  unsign(id: string, error: string): void;
  note(id: string, error: string): void;
  /** Nonces from `from` up that stored intents hold, ascending. */
  nonces(from: number): number[];
  /** When an intent of this kind last failed; null when none did. */
  lastFailure_ms(kind: IntentKind): number | null;
  counts(): Record<IntentState, number>;
  /** Forgets final posts and anchors that rest on blocks before this one, or were never sent and are older. */
  prune(before_block: number, before_ms: number): void;
};

type Row = {
  id: string;
  kind: IntentKind;
  payload: string;
  state: IntentState;
  nonce: number | null;
  tx: Hex | null;
  block_number: number | null;
  block_hash: Hex | null;
  attempts: number;
  last_error: string | null;
  created_ms: number;
  updated_ms: number;
};

type TxRow = Omit<SignedTx, "gas" | "max_fee_wei" | "max_priority_fee_wei"> & {
  gas: string;
  max_fee_wei: string;
  max_priority_fee_wei: string;
};

/** `scope` names deployment and account: intents of another one are neither seen nor touched. */
export function createIntentStore(db: Database, scope: string, now_ms: () => number): IntentStore {
  ensureIntentTables(db);
  // Nobody carries out another's intents any more: whoever reads the table beside the writer must not wait for them.
  db.prepare("INSERT OR REPLACE INTO intent_scope (one, deployment) VALUES (1, ?)").run(scope);
  const insert = db.prepare(
    `INSERT INTO intent (deployment, id, kind, payload, state, created_ms, updated_ms)
     VALUES (@scope, @id, @kind, @payload, 'wanted', @now, @now)
     ON CONFLICT (deployment, id) DO UPDATE
     SET payload = @payload, state = 'wanted', nonce = NULL, tx = NULL, block_number = NULL, block_hash = NULL,
         last_error = NULL, updated_ms = @now
     WHERE state IN ('done', 'failed', 'obsolete')`,
  );
  const select = `SELECT id, kind, payload, state, nonce, tx, block_number, block_hash, attempts, last_error,
    created_ms, updated_ms FROM intent WHERE deployment = ?`;
  const selectOne = db.prepare<[string, string], Row>(`${select} AND id = ?`);
  const selectBlocks = db.prepare<[string], IntentBlock>(
    `SELECT DISTINCT block_number AS number, block_hash AS hash FROM intent
     WHERE deployment = ? AND block_number IS NOT NULL ORDER BY block_number DESC`,
  );
  const selectInBlock = db.prepare<[string, number, string], Row>(
    `${select} AND block_number = ? AND block_hash = ? ORDER BY rowid`,
  );
  const selectTxs = db.prepare<[string, string], TxRow>(
    `SELECT hash, raw, nonce, gas, max_fee_wei, max_priority_fee_wei, signed_ms FROM intent_tx
     WHERE deployment = ? AND intent = ? ORDER BY rowid DESC`,
  );
  const deleteTxs = db.prepare("DELETE FROM intent_tx WHERE deployment = ? AND intent = ?");
  const insertTx = db.prepare(
    `INSERT INTO intent_tx (deployment, intent, hash, raw, nonce, gas, max_fee_wei, max_priority_fee_wei, signed_ms)
     VALUES (@scope, @id, @hash, @raw, @nonce, @gas, @max_fee_wei, @max_priority_fee_wei, @signed_ms)`,
  );

  /** One UPDATE by name; an intent that is not there, or not in a state the step starts from, is a bug. */
  function update(id: string, from: IntentState[], set: string, values: Record<string, unknown> = {}): void {
    const states = from.map((state) => `'${state}'`).join(", ");
    const { changes } = db
      .prepare(
        `UPDATE intent SET ${set}, updated_ms = @now WHERE deployment = @scope AND id = @id AND state IN (${states})`,
      )
      .run({ ...values, scope, id, now: now_ms() });
    if (changes !== 1) {
      throw new CaliberError("INTENT_STEP_REFUSED", `${id} is not in ${from.join(", ")}`, {
        disposition: "internal",
      });
    }
  }

  const want = db.transaction((work: IntentWork) => {
    const id = intentId(work);
    const written = insert.run({
      scope,
      id,
      kind: work.kind,
      payload: JSON.stringify(work.payload),
      now: now_ms(),
    });
    if (written.changes === 1) deleteTxs.run(scope, id);
  });

  const unmine = db.transaction((ids: string[]) => {
    for (const id of ids) {
      update(
        id,
        ["mined", "done", "failed", "obsolete"],
        // An effect that another's transaction had leaves nothing of ours to send again.
        "state = CASE WHEN nonce IS NULL THEN 'wanted' ELSE 'signed' END, tx = NULL, block_number = NULL, block_hash = NULL",
      );
    }
  });

  const sign = db.transaction((id: string, tx: SignedTx) => {
    insertTx.run({
      ...tx,
      scope,
      id,
      gas: String(tx.gas),
      max_fee_wei: String(tx.max_fee_wei),
      max_priority_fee_wei: String(tx.max_priority_fee_wei),
    });
    update(
      id,
      ["wanted", "signed"],
      "state = 'signed', nonce = @nonce, attempts = attempts + 1, last_error = NULL",
      { nonce: tx.nonce },
    );
  });

  const prune = db.transaction((before_block: number, before_ms: number) => {
    db.prepare(
      `DELETE FROM intent WHERE deployment = @scope AND kind IN ('post', 'anchor')
       AND state IN ('done', 'failed', 'obsolete') AND updated_ms < @before_ms
       AND (block_number IS NULL OR block_number < @before_block)`,
    ).run({ scope, before_block, before_ms });
    db.prepare(
      `DELETE FROM intent_tx WHERE deployment = @scope
       AND intent NOT IN (SELECT id FROM intent WHERE deployment = @scope)`,
    ).run({ scope });
  });

  const anywhere: IntentState[] = ["wanted", "signed", "mined", "done", "failed", "obsolete"];
  return {
    want,
    find: (id) => {
      const row = selectOne.get(scope, id);
      return row === undefined ? null : intentOf(row);
    },
    inState: (...states) =>
      db
        .prepare<string[], Row>(`${select} AND state IN (${states.map(() => "?").join(", ")}) ORDER BY rowid`)
        .all(scope, ...states)
        .map(intentOf),
    blocks: () => selectBlocks.all(scope),
    inBlock: ({ number, hash }) => selectInBlock.all(scope, number, hash).map(intentOf),
    txs: (id) => selectTxs.all(scope, id).map(txOf),
    sign,
    mine: (id, tx, block) =>
      update(
        id,
        anywhere,
        "state = 'mined', tx = @tx, block_number = @number, block_hash = @hash, last_error = NULL",
        { tx, ...block },
      ),
    finish: (id, state, error) =>
      update(id, ["wanted", "mined"], "state = @state, last_error = @error", { state, error }),
    revert: (id, state, error, tx, block) =>
      update(
        id,
        anywhere,
        "state = @state, last_error = @error, tx = @tx, block_number = @number, block_hash = @hash",
        { state, error, tx, ...block },
      ),
    unmine,
    unsign: (id, error) =>
      update(id, ["signed"], "state = 'wanted', nonce = NULL, last_error = @error", { error }),
    note: (id, error) => update(id, anywhere, "last_error = @error", { error }),
    nonces: (from) =>
      db
        .prepare<[string, number], { nonce: number }>(
          "SELECT nonce FROM intent WHERE deployment = ? AND nonce >= ? ORDER BY nonce",
        )
        .all(scope, from)
        .map(({ nonce }) => nonce),
    lastFailure_ms: (kind) =>
      db
        .prepare<[string, string], { at: number | null }>(
          "SELECT max(updated_ms) AS at FROM intent WHERE deployment = ? AND kind = ? AND state = 'failed'",
        )
        .get(scope, kind)?.at ?? null,
    counts: () => {
      const counts = Object.fromEntries(anywhere.map((state) => [state, 0])) as Record<IntentState, number>;
      const rows = db
        .prepare<[string], { state: IntentState; n: number }>(
          "SELECT state, count(*) AS n FROM intent WHERE deployment = ? GROUP BY state",
        )
        .all(scope);
      for (const { state, n } of rows) counts[state] = n;
      return counts;
    },
    prune,
  };
}

function intentOf(row: Row): Intent {
  const { block_number, block_hash, payload, kind, ...rest } = row;
  // The kind column says which payload it is; both are written by `want` alone.
  const work = { kind, payload: JSON.parse(payload) } as IntentWork;
  const block =
    block_number === null || block_hash === null ? null : { number: block_number, hash: block_hash };
  return { ...rest, ...work, block };
}

function txOf(row: TxRow): SignedTx {
  return {
    ...row,
    gas: BigInt(row.gas),
    max_fee_wei: BigInt(row.max_fee_wei),
    max_priority_fee_wei: BigInt(row.max_priority_fee_wei),
  };
}
