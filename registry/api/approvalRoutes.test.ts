import pino from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { CaliberError } from "../../protocol/errors.js";
import type { Approver } from "../approval/createApprover.js";
import { testTerms } from "../credit/testing/testTerms.js";
import type { EventFeed } from "../events/eventFeed.js";
import { loanJson } from "../loans/loanJson.js";
import { openDatabase } from "../store/openDatabase.js";
import { startApiServer } from "./apiServer.js";
import { createApiTokens } from "./apiTokens.js";
import { approvalRoutes } from "./approvalRoutes.js";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const terms = testTerms();
const body = { terms: loanJson(terms) };

async function start(approver: Approver | null) {
  const db = openDatabase(":memory:");
  ends.push(() => db.close());
  const tokens = createApiTokens(db);
  const server = await startApiServer({
    bind: "127.0.0.1",
    port: 0,
    tokens,
    feed: {} as EventFeed,
    log: pino({ level: "silent" }),
    routes: approvalRoutes({ approver }),
  });
  ends.push(() => server.close());
  const approve = tokens.create("originator", "approve");
  const read = tokens.create("lender");
  const ask = async (init: RequestInit & { token?: string | null } = {}) => {
    const { token = approve, ...rest } = init;
    const response = await fetch(`http://127.0.0.1:${server.port}/v1/approvals`, {
      method: "POST",
      body: JSON.stringify(body),
      ...rest,
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
    });
    // biome-ignore lint/suspicious/noExplicitAny: JSON from outside, held against what is expected of it
    return { status: response.status, headers: response.headers, json: (await response.json()) as any };
  };
  return { ask, approve, read, tokens };
}

const asked: unknown[][] = [];
const answer = { loan: "0x01", gate: "0x02", block: { number: 1, hash: "0x03" } } as const;
const approver: Approver = {
  approve: async (...args) => {
    asked.push(args);
    return { ...answer, approved: false, failures: [{ code: "NOT_STAGED", token_id: null, text: "t" }] };
  },
};
const failing = (error: unknown): Approver => ({ approve: () => Promise.reject(error) });

describe("POST /v1/approvals", () => {
  it("hands terms and deadline on, and gives the whole answer", async () => {
    const { ask } = await start(approver);
    asked.length = 0;
    const { status, json } = await ask();
    expect([status, json]).toEqual([200, { ...answer, approved: false, failures: expect.any(Array) }]);
    expect(json.failures).toEqual([{ code: "NOT_STAGED", token_id: null, text: "t" }]);
    await ask({ body: JSON.stringify({ ...body, deadline_s: 1_800_000_000 }) });
    expect(asked).toEqual([
      [terms, null],
      [terms, 1_800_000_000],
    ]);
  });

  it("wants a token of its own scope, which reads nothing", async () => {
    const { ask, read, approve, tokens } = await start(approver);
    const refused = await ask({ token: read });
    expect([refused.status, refused.json.code]).toEqual([403, "SCOPE_MISSING"]);
    expect(refused.headers.get("www-authenticate")).toContain('scope="approve"');
    for (const token of [null, "caliber-approve-x"]) {
      expect(await ask({ token })).toMatchObject({ status: 401, json: { code: "TOKEN_REQUIRED" } });
    }
    expect([tokens.scopeOf(approve), tokens.isKnown(approve)]).toEqual(["approve", false]);
    expect([tokens.scopeOf(read), tokens.isKnown(read)]).toEqual(["read", true]);
    const got = await ask({ method: "GET", body: null });
    expect([got.status, got.headers.get("allow")]).toEqual([405, "POST"]);
  });

  it("says what is wrong with the request", async () => {
    const { ask } = await start(approver);
    const cases: [string, string, number][] = [
      ["{", "REQUEST_INVALID", 400],
      ["[]", "REQUEST_INVALID", 400],
      ["null", "REQUEST_INVALID", 400],
      [JSON.stringify({ ...body, more: 1 }), "REQUEST_INVALID", 400],
      [JSON.stringify({ ...body, deadline_s: "1" }), "REQUEST_INVALID", 400],
      [JSON.stringify({ terms: { ...(body.terms as object), borrower: "x" } }), "TERMS_INVALID", 400],
      [JSON.stringify({ ...body, more: "x".repeat(300_000) }), "BODY_TOO_LARGE", 413],
    ];
    for (const [text, code, status] of cases) {
      expect(await ask({ body: text })).toMatchObject({ status, json: { code } });
    }
  });

  it("tells what the approver throws, and nobody the node's address", async () => {
    const cases: [unknown, number, string][] = [
      [new CaliberError("DEADLINE_INVALID", "too late"), 400, "DEADLINE_INVALID"],
      [new CaliberError("LOAN_TERMS_MALFORMED", "does not fit"), 400, "TERMS_INVALID"],
      [
        new CaliberError("CHAIN_UNREADABLE", "the chain could not be read", {
          cause: new Error("http://node/secret"),
        }),
        503,
        "CHAIN_UNREADABLE",
      ],
      [new CaliberError("CHAIN_WRONG_CHAIN", "the node is of chain 1"), 503, "CHAIN_WRONG_CHAIN"],
      [new CaliberError("CHAIN_ENDPOINTS_DISAGREE", "a and b"), 503, "CHAIN_ENDPOINTS_DISAGREE"],
      [new CaliberError("CONTRACT_INVALID", "no CaliberGate"), 503, "CONTRACT_INVALID"],
      [new CaliberError("WRITER_SIGNER_DOWN", "http://secret"), 500, "INTERNAL"],
    ];
    for (const [error, status, code] of cases) {
      const { ask } = await start(failing(error));
      const found = await ask();
      expect(found).toMatchObject({ status, json: { code } });
      expect(JSON.stringify(found.json)).not.toContain("secret");
    }
    const { ask } = await start(null);
    expect(await ask()).toMatchObject({ status: 404, json: { code: "APPROVALS_OFF" } });
  });
});
