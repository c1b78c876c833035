import type { TitleReplacement } from "../protocol/report/schema.js";
import type { Db } from "./store/openDatabase.js";

/** That a device is to stand in behind a token, and how far that has come. */
export type ReplacementOrder = {
  token_id: string;
  device: string;
  /** The consenter's signature, 0x and hex; null until it is given. */
  consent: string | null;
  /** What the device has signed, and who must consent to just that; null until then. */
  asked: TitleReplacement | null;
  consenter: string | null;
  /** What keeps the writer from going on, in words. */
  problem: string | null;
};

export type ReplacementOrders = {
  all(): ReplacementOrder[];
  find(token_id: string): ReplacementOrder | null;
  /** The last word counts: another device, or none, in the place of the one before. */
  put(token_id: string, device: string): void;
  consent(token_id: string, consent: string): void;
  tell(token_id: string, told: Pick<ReplacementOrder, "asked" | "consenter" | "problem">): void;
  remove(token_id: string): void;
};

type Row = Omit<ReplacementOrder, "asked"> & { asked: string | null };

/** Orders outlive the process that gave them and the one that carries them out. */
export function createReplacementOrders(db: Db): ReplacementOrders {
  const select = "SELECT token_id, device, consent, asked, consenter, problem FROM replacement_order";
  const all = db.prepare<[], Row>(`${select} ORDER BY token_id`);
  const one = db.prepare<[string], Row>(`${select} WHERE token_id = ?`);
  const put = db.prepare("INSERT OR REPLACE INTO replacement_order (token_id, device) VALUES (?, ?)");
  const consent = db.prepare("UPDATE replacement_order SET consent = ? WHERE token_id = ?");
  const tell = db.prepare(
    `UPDATE replacement_order SET asked = @asked, consenter = @consenter, problem = @problem,
       consent = CASE WHEN asked IS @asked THEN consent END WHERE token_id = @token_id`,
  );
  const remove = db.prepare("DELETE FROM replacement_order WHERE token_id = ?");
  const orderOf = (row: Row): ReplacementOrder => ({
    ...row,
    asked: row.asked === null ? null : (JSON.parse(row.asked) as TitleReplacement),
  });
  return {
    all: () => all.all().map(orderOf),
    find(token_id) {
      const row = one.get(token_id);
      return row === undefined ? null : orderOf(row);
    },
    put: (token_id, device) => void put.run(token_id, device),
    consent: (token_id, given) => void consent.run(given, token_id),
    // A consent to other words than these is worth nothing.
    tell: (token_id, { asked, consenter, problem }) =>
      void tell.run({ token_id, asked: asked && JSON.stringify(asked), consenter, problem }),
    remove: (token_id) => void remove.run(token_id),
  };
}
