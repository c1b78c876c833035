import { describe, expect, it } from "vitest";
import vector from "../../fixtures/vectors/replacement.json" with { type: "json" };
import { foldBench } from "../testing/foldBench.js";
import type { ReplacementOrder } from "./replacementOrders.js";
import { replacementStatus } from "./replacementStatus.js";

const now_ms = (Number(vector.replacement.deadline) - 1) * 1000;
const nothing: ReplacementOrder = {
  token_id: "7",
  device: vector.device,
  consent: null,
  asked: null,
  consenter: null,
  by_contract: false,
  problem: null,
};
const signed = { ...nothing, consenter: vector.consenter, asked: vector.replacement };
const given = { ...signed, consent: vector.consent };
const problem = { code: "IDENTITY_TAKEN", text: "token 3 has this GPU's identity" } as const;
const obstacle = { code: "DEVICE_DISPUTED", text: "equivocation", passes: true } as const;
const tx = `0x${"ab".repeat(32)}`;

const bench = foldBench();
bench.enrol("f", "h-1");
bench.inventory("f", "GPU-f");
const of = (order: ReplacementOrder, change: Partial<Parameters<typeof replacementStatus>[0]> = {}) =>
  replacementStatus({
    order,
    holder: bench.fold("f"),
    standIn: undefined,
    obstacle: null,
    underWay: null,
    now_ms,
    ...change,
  });

describe("replacementStatus", () => {
  it.each<[string, ReturnType<typeof of>]>([
    ["writer", of(nothing)],
    ["device", of({ ...nothing, consenter: vector.consenter })],
    ["consent", of(signed)],
    ["chain", of(given)],
    ["chain", of(given, { underWay: { tx: null }, obstacle })],
    ["remedy", of({ ...signed, problem })],
    ["remedy", of(given, { obstacle })],
    ["writer", of(signed, { now_ms: now_ms + 1000 })],
  ])("waits for %s", (waits_for, status) => {
    expect(status.waits_for).toBe(waits_for);
  });

  it("says why, what is to be signed, and until when", () => {
    expect(of(signed)).toMatchObject({
      why: null,
      consenter: { address: vector.consenter, by_contract: false },
      consented: false,
      deadline_ms: now_ms + 1000,
      typed_data: { primaryType: "Replacement", message: { tokenId: "7" } },
    });
    expect(of(signed)).toMatchObject({
      former: "f",
      gpus: { device: null, former: { host: "h-1", uuid: "GPU-f", model: "Test GPU 80GB" } },
    });
    expect(of({ ...nothing, problem }).why).toEqual(problem);
    expect(of({ ...signed, problem }, { obstacle }).why).toEqual({
      code: obstacle.code,
      text: obstacle.text,
    });
    expect(of(given, { now_ms: now_ms + 1000 }).why?.code).toBe("REPLACEMENT_EXPIRED");
    expect(of(given, { underWay: { tx }, now_ms: now_ms + 1000 })).toMatchObject({ why: null, tx });
  });
});
