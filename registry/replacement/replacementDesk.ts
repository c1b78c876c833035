import { existsSync } from "node:fs";
import { CaliberError } from "../../protocol/errors.js";
import { databasePath } from "../databasePath.js";
import type { DeviceFold } from "../health/deviceFold.js";
import { type Db, openDatabase } from "../store/openDatabase.js";
import { checkConsent } from "./checkConsent.js";
import { replacementObstacle } from "./replacementObstacle.js";
import { createReplacementOrders, type ReplacementOrder } from "./replacementOrders.js";
import { type ReplacementStatus, replacementStatus } from "./replacementStatus.js";

export type ReplacementDesk = {
  /**
   * Orders that a device stand in behind a token. Nothing is asked of anybody but by the chain writer, which reads orders.
   *
   * @throws CaliberError REPLACEMENT_ORDERED, or the code of an obstacle that waiting does not move (replacementObstacle)
   */
  order(token_id: string, device: string): ReplacementStatus;
  /** @throws CaliberError REPLACEMENT_NONE */
  status(token_id: string): ReplacementStatus;
  all(): ReplacementStatus[];
  /**
   * Takes the consenter's signature over what the device has signed.
   *
   * @throws CaliberError REPLACEMENT_NONE, CONSENT_EARLY, CONSENT_LATE, CONSENT_OVERTAKEN, and what checkConsent throws
   */
  consent(token_id: string, signature: string): Promise<ReplacementStatus>;
  /** @throws CaliberError REPLACEMENT_NONE, REPLACEMENT_UNDER_WAY when the chain may have it already */
  cancel(token_id: string): void;
};

/**
 * Where a person orders a replacement and follows it, beside a running registry or while there is none.
 *
 * @throws CaliberError DATA_DIR_UNUSABLE when no registry has been made there
 */
export function openReplacementDesk(
  data_dir: string,
  now_ms: () => number,
): ReplacementDesk & { close(): void } {
  const path = databasePath(data_dir);
  if (!existsSync(path)) throw userError("DATA_DIR_UNUSABLE", `${data_dir} holds no registry`);
  const db = openDatabase(path);
  return { ...createReplacementDesk(db, now_ms), close: () => void db.close() };
}

/** The same over a database that is open. */
export function createReplacementDesk(db: Db, now_ms: () => number): ReplacementDesk {
  const orders = createReplacementOrders(db);

  const factsOf = (order: Pick<ReplacementOrder, "token_id" | "device">) => {
    const [holder, standIn] = [holderOf(db, order.token_id), deviceOf(db, order.device)];
    const obstacle = replacementObstacle(order, holder, standIn, (host) => isRevoked(db, host));
    return { holder, standIn, obstacle };
  };
  const statusOf = (order: ReplacementOrder): ReplacementStatus => {
    const underWay = intentUnderWay(db, order, now_ms());
    return replacementStatus({ order, ...factsOf(order), underWay, now_ms: now_ms() });
  };
  const find = (token_id: string): ReplacementOrder => {
    const order = orders.find(token_id);
    if (order !== null) return order;
    const holder = holderOf(db, token_id);
    const whose =
      holder === undefined ? "no device of this registry has it" : `it stands for device ${holder.device}`;
    throw userError("REPLACEMENT_NONE", `there is no order for token ${token_id}; ${whose}`);
  };

  return {
    order(token_id, device) {
      const { obstacle } = factsOf({ token_id, device });
      if (obstacle !== null && !obstacle.passes) throw userError(obstacle.code, obstacle.text);
      orders.put(token_id, device);
      return statusOf(find(token_id));
    },
    status: (token_id) => statusOf(find(token_id)),
    all: () => orders.all().map(statusOf),
    async consent(token_id, signature) {
      const order = find(token_id);
      const { asked, consenter, by_contract } = order;
      if (asked === null || consenter === null) {
        throw userError("CONSENT_EARLY", "the device has not signed yet: there is nothing to consent to");
      }
      if (Number(asked.deadline) * 1000 <= now_ms()) {
        throw userError("CONSENT_LATE", "what the device signed has run out: wait until it has signed anew");
      }
      const consent = await checkConsent(asked, { address: consenter, by_contract }, signature);
      orders.consent(token_id, asked, consent);
      return statusOf(find(token_id));
    },
    cancel(token_id) {
      const order = find(token_id);
      if (intentUnderWay(db, order, now_ms()) !== null) {
        throw userError(
          "REPLACEMENT_UNDER_WAY",
          "consent was given and the replacement is on its way to the chain: it cannot be called back",
        );
      }
      orders.remove(token_id);
    },
  };
}

/** As the registry stored it last: a second behind at most while it runs. */
function holderOf(db: Db, token_id: string): DeviceFold | undefined {
  return foldIn(
    db,
    "SELECT fold FROM device_fold WHERE json_extract(fold, '$.token.token_id') = ?",
    token_id,
  );
}

function deviceOf(db: Db, device: string): DeviceFold | undefined {
  const by = (table: string) =>
    foldIn(db, `SELECT fold FROM device_fold JOIN ${table} USING (id) WHERE ${table}.device = ?`, device);
  return by("device") ?? by("ended_key");
}

function foldIn(db: Db, sql: string, name: string): DeviceFold | undefined {
  const row = db.prepare<[string], { fold: string }>(sql).get(name);
  if (row === undefined) return undefined;
  const fold = JSON.parse(row.fold) as DeviceFold;
  // Stored before keys could end, or titles pass to others.
  fold.retired ??= null;
  fold.replaced_by ??= null;
  fold.replaced_key ??= fold.replaced_by && fold.device;
  return fold;
}

function isRevoked(db: Db, host: string): boolean {
  const row = db.prepare<[string], { revoked: number }>("SELECT revoked FROM host WHERE host = ?").get(host);
  return row?.revoked !== 0;
}

/** Of the writer as it was started last: of another account or deployment none is carried out, and none after its deadline. */
function intentUnderWay(
  db: Db,
  { token_id, device }: ReplacementOrder,
  now_ms: number,
): { tx: string | null } | null {
  const has = (table: string) =>
    db.prepare<[string]>("SELECT 1 FROM sqlite_master WHERE name = ?").get(table) !== undefined;
  // A registry without a chain has no such table, and one from before the scope was written down has no scope.
  if (!has("intent")) return null;
  const ours = has("intent_scope") ? "AND deployment = (SELECT deployment FROM intent_scope)" : "";
  const row = db
    .prepare<[string, number], { tx: string | null }>(
      `SELECT tx FROM intent WHERE id = ? ${ours} AND (state = 'mined' OR (state IN ('wanted', 'signed')
         AND CAST(json_extract(payload, '$.replacement.deadline') AS INTEGER) * 1000 > ?))`,
    )
    .get(`replace:${token_id}:${device}`, now_ms);
  return row ?? null;
}

function userError(code: string, message: string): CaliberError {
  return new CaliberError(code, message, { disposition: "user" });
}
