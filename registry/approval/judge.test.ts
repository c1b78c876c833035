import { describe, expect, it } from "vitest";
import { testAddress, testTerms } from "../credit/testing/testTerms.js";
import { createDeviceFold } from "../health/deviceFold.js";
import type { ApprovalFacts, TitleFacts } from "./approvalFacts.js";
import { judgeLoan } from "./judgeLoan.js";
import { judgeToken, type TokenRules } from "./judgeToken.js";

const contracts = {
  token: testAddress(3),
  health: testAddress(4),
  timelock: testAddress(5),
  router: testAddress(6),
  gate: testAddress(7),
};
const attestor = testAddress(8);
const facts: ApprovalFacts = {
  block: { number: 1n, hash: "0x", time_s: 1_750_000_000 },
  policy: { accepted_states: 0b10n, required_assurance: 0, needs_presence: false },
  gate: contracts,
  custodians: { timelock: true, router: true },
  attestors: [attestor],
  threshold: 1,
  loan_status: 0,
  staging: { depositor: testAddress(9), expiration_s: 1_750_000_001 },
  titles: new Map(),
};
const terms = testTerms({ collateral_token: contracts.token, approval_addresses: [contracts.gate] });
const codesOf = (changes: Partial<ApprovalFacts>) =>
  judgeLoan(terms, { ...facts, ...changes }, contracts, attestor).map(({ code, text }) => [code, text]);

describe("a loan as a whole", () => {
  it("has nothing wrong with it", () => {
    expect(codesOf({})).toEqual([]);
  });

  it("needs a gate that was made for these contracts: each that was not is told", () => {
    for (const part of ["token", "health", "timelock", "router"] as const) {
      expect(codesOf({ gate: { ...contracts, [part]: testAddress(99) } })).toEqual([
        ["GATE_MISMATCH", expect.stringContaining(`the gate's ${part}`)],
      ]);
    }
  });

  it("needs both custodians to be known, and a deposit that lasts past this block", () => {
    for (const part of ["timelock", "router"] as const) {
      expect(codesOf({ custodians: { ...facts.custodians, [part]: false } })).toEqual([
        ["CUSTODIAN_UNKNOWN", expect.stringContaining(part)],
      ]);
    }
    const staging = { depositor: testAddress(9), expiration_s: 1_750_000_000 };
    expect(codesOf({ staging })).toEqual([["NOT_STAGED", expect.stringContaining("expired")]]);
  });
});

describe("a token", () => {
  const fold = {
    ...createDeviceFold({
      id: 1,
      device: "aa".repeat(32),
      host: "h",
      label: "",
      simulated: true,
      recipient: "",
      key: "software",
      enrolled_ms: 0,
      enrolment: 0,
    }),
    state: "healthy" as const,
    cause: "none" as const,
    fresh_ms: 5,
  };
  const title: TitleFacts = {
    holder: contracts.timelock,
    fingerprint: "0x00",
    strong_identity: `0x${"00".repeat(32)}`,
    header_hash: `0x${"00".repeat(32)}`,
    controller: testAddress(0),
    assurance: 0,
    disputed_until_s: 0,
    state: 1,
    assured_until_s: 0,
  };
  const rules: TokenRules = {
    policy: facts.policy,
    timelock: contracts.timelock,
    chain_s: 10,
    now_ms: 5,
    fresh_within_ms: 0,
    allows_simulated: true,
  };
  const codes = (changes: Partial<TokenRules>, own: Partial<TitleFacts> = {}) =>
    judgeToken(
      { token_id: 1n, fold, isRevoked: false, title: { ...title, ...own }, agreed: null, others: [] },
      { ...rules, ...changes },
    ).map(({ code }) => code);

  it("that is simulated secures nothing but a development chain's loans", () => {
    expect(codes({})).not.toContain("SIMULATED");
    expect(codes({ allows_simulated: false })).toContain("SIMULATED");
  });

  it("needs what assurance the policy asks for, here and in its title", () => {
    const policy = { ...facts.policy, required_assurance: 1 };
    expect(codes({ policy })).toEqual(
      expect.arrayContaining(["ASSURANCE_MISSING", "ASSURANCE_ON_CHAIN_MISSING"]),
    );
    expect(codes({ policy }, { assurance: 1 })).not.toContain("ASSURANCE_ON_CHAIN_MISSING");
    // A title that claims a TPM which the registry knows nothing of claims too much.
    expect(codes({}, { assurance: 1 })).toContain("FINGERPRINT_DIFFERS");
  });

  it("is disputed up to and including the last second", () => {
    expect(codes({}, { disputed_until_s: 10 })).toContain("TITLE_DISPUTED");
    expect(codes({}, { disputed_until_s: 9 })).not.toContain("TITLE_DISPUTED");
  });
});
