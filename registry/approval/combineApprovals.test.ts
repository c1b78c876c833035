import { describe, expect, it } from "vitest";
import { combineApprovals } from "./combineApprovals.js";
import { gateSignature } from "./gateApproval.js";

const of = (byte: string, bytes = 32) => `0x${byte.repeat(bytes)}` as const;
const answer = (attestor: string, changes: object = {}) => ({
  loan: of("aa"),
  gate: of("bb", 20),
  block: { number: 1, hash: of("cc") },
  approved: true,
  approval: {
    loan: of("aa"),
    token_ids: ["1", "2"],
    fingerprints: [of("01"), of("02")],
    deadline_s: 1_800_000_000,
    ...changes,
  },
  attestor_signature: { attestor: of(attestor, 20), signature: of(attestor, 65) },
  threshold: 2,
  signature: null,
});
const code = (...answers: unknown[]) => {
  try {
    combineApprovals(answers);
  } catch (error) {
    return [(error as { code: string }).code, (error as Error).message];
  }
  throw new Error("combined");
};

describe("combineApprovals", () => {
  it("gives what the gate takes, its attestors in ascending order whatever the order given", () => {
    const [high, low] = [answer("f1"), answer("01")];
    const combined = combineApprovals([high, low]);
    const approval = {
      loan: of("aa"),
      token_ids: [1n, 2n],
      fingerprints: [of("01"), of("02")],
      deadline_s: 1_800_000_000,
    };
    expect(combined).toEqual({
      loan: of("aa"),
      gate: of("bb", 20),
      approval,
      threshold: 2,
      attestors: [of("f1", 20), of("01", 20)],
      signature: gateSignature(approval, [low.attestor_signature, high.attestor_signature]),
    });
    expect(combineApprovals([low, high]).signature).toBe(combined.signature);
  });

  it("wants the very same approval of all", () => {
    const one = answer("01");
    const differs = (name: string) => ["APPROVALS_DIFFER", `approval 2 has another ${name} than the first`];
    expect(code(one, answer("02", { deadline_s: 1_800_000_001 }))).toEqual(differs("deadline_s"));
    expect(code(one, answer("02", { token_ids: ["2", "1"] }))).toEqual(differs("token_ids"));
    expect(code(one, answer("02", { fingerprints: [of("01"), of("03")] }))).toEqual(differs("fingerprints"));
    expect(code(one, answer("02", { loan: of("ab") }))).toEqual(differs("loan"));
    expect(code(one, { ...answer("02"), gate: of("bc", 20) })).toEqual(differs("gate"));
  });

  it("wants as many attestors as the contract does, each once", () => {
    expect(code()[0]).toBe("APPROVALS_TOO_FEW");
    expect(code(answer("01"))).toEqual(["APPROVALS_TOO_FEW", "1 of 2 attestors have signed"]);
    expect(code(answer("01"), { ...answer("02"), threshold: 3 })[0]).toBe("APPROVALS_TOO_FEW");
    const twice = answer("ab");
    const again = {
      ...twice,
      attestor_signature: { ...twice.attestor_signature, attestor: `0x${"AB".repeat(20)}` },
    };
    expect(code(twice, again)[0]).toBe("ATTESTOR_REPEATED");
  });

  it.each<[string, unknown]>([
    ["no approval", { ...answer("02"), approved: false, failures: [] }],
    ["none at all", null],
    [
      "a signature that is no hex",
      { ...answer("02"), attestor_signature: { attestor: of("02", 20), signature: "0x0" } },
    ],
    ["a number for a token", answer("02", { token_ids: [1, 2] })],
    ["no threshold", { ...answer("02"), threshold: 0 }],
  ])("names the answer that is %s", (_name, wrong) => {
    const [found, message] = code(answer("01"), wrong);
    expect([found, message?.startsWith("approval 2: ")]).toEqual(["APPROVAL_MALFORMED", true]);
  });
});
