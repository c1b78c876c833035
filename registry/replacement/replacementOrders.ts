import { CaliberError } from "../../protocol/errors.js";
import type { TitleReplacement } from "../../protocol/report/schema.js";
import type { Db } from "../store/openDatabase.js";

export type ReplacementProblem = {
  code:
    | "TOKEN_NOT_ON_CHAIN"
    | "DEVICE_TITLED"
    | "KEY_RETIRED"
    | "IDENTITY_TAKEN"
    | "CONSENT_INVALID"
    | "CHAIN_REFUSES";
  text: string;
};

/** What the chain writer knows of an order. */
export type ReplacementTold = {
  /** What the device has signed, and who must consent to just that; null until then. */
  asked: TitleReplacement | null;
  consenter: string | null;
  /** Whether a contract consents (ERC-1271), and no key that a signature could be held against here. */
  by_contract: boolean;
  /** What keeps the writer from going on. */
  problem: ReplacementProblem | null;
};

/** Nothing new, but that something is in the way: what was signed may stand when it has passed. */
export type ReplacementHindered = { problem: ReplacementProblem };

/** That a device is to stand in behind a token, and how far that has come. */
export type ReplacementOrder = ReplacementTold & {
  token_id: string;
  device: string;
  /** The consenter's signature, 0x and hex; null until it is given. */
  consent: string | null;
};

export type ReplacementOrders = {
  all(): ReplacementOrder[];
  find(token_id: string): ReplacementOrder | null;
  /** @throws CaliberError REPLACEMENT_ORDERED when the token, or the device, is in an order already */
  put(token_id: string, device: string): void;
  /** @throws CaliberError CONSENT_OVERTAKEN when what is consented to is not what the device has signed now */
  consent(token_id: string, asked: TitleReplacement, consent: string): void;
  /** A consent is dropped when what it was given to, or who must give it, is another. */
  tell(token_id: string, told: ReplacementTold | ReplacementHindered): void;
  remove(token_id: string): void;
};

type Row = Pick<ReplacementOrder, "token_id" | "device" | "consent" | "consenter"> & {
  asked: string | null;
  by_contract: number;
  problem: string | null;
};

/** Orders outlive the process that gave them and the one that carries them out. */
export function createReplacementOrders(db: Db): ReplacementOrders {
  const select =
    "SELECT token_id, device, consent, asked, consenter, by_contract, problem FROM replacement_order";
  const all = db.prepare<[], Row>(`${select} ORDER BY length(token_id), token_id`);
  const one = db.prepare<[string], Row>(`${select} WHERE token_id = ?`);
  const insert = db.prepare("INSERT INTO replacement_order (token_id, device) VALUES (?, ?)");
  const standing = db.prepare<[string, string], Row>(`${select} WHERE token_id = ? OR device = ?`);
  const consent = db.prepare(
    "UPDATE replacement_order SET consent = ?, problem = NULL WHERE token_id = ? AND asked = ?",
  );
  // A consent to other words than these is worth nothing.
  const tell = db.prepare(
    `UPDATE replacement_order SET asked = @asked, consenter = @consenter, by_contract = @by_contract, problem = @problem,
       consent = CASE WHEN asked IS @asked AND consenter IS @consenter THEN consent END WHERE token_id = @token_id`,
  );
  const hinder = db.prepare("UPDATE replacement_order SET problem = ? WHERE token_id = ?");
  const remove = db.prepare("DELETE FROM replacement_order WHERE token_id = ?");
  const orderOf = (row: Row): ReplacementOrder => ({
    ...row,
    asked: row.asked === null ? null : (JSON.parse(row.asked) as TitleReplacement),
    by_contract: row.by_contract === 1,
    problem: row.problem === null ? null : (JSON.parse(row.problem) as ReplacementProblem),
  });
  const put = db.transaction((token_id: string, device: string) => {
    const before = standing.get(token_id, device);
    if (before !== undefined) {
      throw new CaliberError(
        "REPLACEMENT_ORDERED",
        `an order stands that device ${before.device} stand in for token ${before.token_id}`,
        { disposition: "user", details: "see its status, or cancel it first" },
      );
    }
    insert.run(token_id, device);
  });
  return {
    all: () => all.all().map(orderOf),
    find(token_id) {
      const row = one.get(token_id);
      return row === undefined ? null : orderOf(row);
    },
    put: (token_id, device) => put.immediate(token_id, device),
    consent(token_id, asked, given) {
      if (consent.run(given, token_id, JSON.stringify(asked)).changes === 1) return;
      throw new CaliberError(
        "CONSENT_OVERTAKEN",
        "the device has meanwhile been asked to sign anew: what was consented to is out of date",
        { disposition: "user" },
      );
    },
    tell(token_id, told) {
      const problem = told.problem && JSON.stringify(told.problem);
      if (!("asked" in told)) return void hinder.run(problem, token_id);
      const { asked, consenter, by_contract } = told;
      tell.run({
        token_id,
        asked: asked && JSON.stringify(asked),
        consenter,
        by_contract: Number(by_contract),
        problem,
      });
    },
    remove: (token_id) => void remove.run(token_id),
  };
}
