import { describe, expect, it } from "vitest";
import type { DeviceFold } from "../health/deviceFold.js";
import { foldBench } from "../testing/foldBench.js";
import { replacementObstacle } from "./replacementObstacle.js";

const stood = () => {
  const bench = foldBench();
  for (const [device, host] of [
    ["a", "h-1"],
    ["b", "h-2"],
  ] as const) {
    bench.enrol(device, host);
    bench.inventory(device, `GPU-${device}`);
  }
  const contract = `0x${"cd".repeat(20)}` as const;
  const minted = { device: "a", chain_id: 1, contract, token_id: "7", tx: "0x01", block: 1 };
  bench.put({ kind: "chain", body: { type: "minted", ...minted } });
  return { former: bench.fold("a"), fold: bench.fold("b") };
};
const order = { token_id: "7", device: "b" };
const { former, fold } = stood();

describe("replacementObstacle", () => {
  it("is none for a live device that has said what it is", () => {
    expect(replacementObstacle(order, former, fold, () => false)).toBeNull();
  });

  it.each<[code: string, former: DeviceFold | undefined, fold: DeviceFold | undefined]>([
    ["TOKEN_UNKNOWN", undefined, fold],
    ["DEVICE_UNKNOWN", former, undefined],
    ["REPLACEMENT_DONE", former, former],
    ["DEVICE_ROTATED", former, { ...fold, device: "c" }],
    ["DEVICE_TITLED", former, { ...fold, token: former.token }],
    [
      "DEVICE_RETIRED",
      former,
      { ...fold, retired: { device: "b", last_seq: 3, statement: "5".repeat(64), reason: "sold" } },
    ],
    ["DEVICE_REPLACED", former, { ...fold, replaced_by: "c", replaced_key: "b" }],
  ])("is %s, for good", (code, holder, standIn) => {
    expect(replacementObstacle(order, holder, standIn, () => false)).toMatchObject({ code, passes: false });
  });

  it("is none under the next key of a device that was replaced", () => {
    const rotated = { ...fold, replaced_by: "c", replaced_key: "former" };
    expect(replacementObstacle(order, former, rotated, () => false)).toBeNull();
  });

  it("is a host's revocation", () => {
    const found = replacementObstacle(order, former, fold, (host) => host === "h-2");
    expect(found).toMatchObject({ code: "HOST_REVOKED", passes: false });
    expect(replacementObstacle(order, former, fold, (host) => host === "h-1")).toBeNull();
  });

  it.each<[code: string, change: Partial<DeviceFold>]>([
    ["DEVICE_DISPUTED", { dispute: "equivocation" }],
    ["INVENTORY_MISSING", { inventory: null }],
    ["SILICON_AWAITED", { simulated: false, challenged_ms: null }],
  ])("is %s until that has passed", (code, change) => {
    const found = replacementObstacle(order, former, { ...fold, ...change }, () => false);
    expect(found).toMatchObject({ code, passes: true });
  });
});
