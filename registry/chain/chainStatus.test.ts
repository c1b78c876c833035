import { describe, expect, it } from "vitest";
import { renderMetrics } from "../api/metrics.js";
import { type ChainStatus, chainMetrics, chainStatus, chainWord } from "./chainStatus.js";
import type { ChainWriterStatus } from "./chainWriter.js";

const fine: ChainStatus = { rpc: "ok", pending: 0, fault: null, problems: [], balance_gwei: 1.5 };
const disagree = "CHAIN_ENDPOINTS_DISAGREE";

describe("the chain's word in /healthz", () => {
  it.each<[string, Partial<ChainStatus>]>([
    ["ok", {}],
    ["starting", { rpc: "starting", balance_gwei: null }],
    ["down", { rpc: "down", fault: disagree, problems: ["WRITER_OUT_OF_FUNDS"] }],
    [disagree, { fault: disagree, problems: ["CHAIN_FEE_CAP"] }],
    [
      "CHAIN_FEE_CAP WRITER_OUT_OF_FUNDS",
      { problems: ["WRITER_OUT_OF_FUNDS", "CHAIN_FEE_CAP", "IDENTITY_TAKEN", "CHAIN_FEE_CAP"] },
    ],
    ["ok", { problems: ["IDENTITY_TAKEN", "TITLE_REDEEMED"] }],
  ])("is %s", (word, status) => {
    expect(chainWord({ ...fine, ...status })).toBe(word);
  });
});

describe("the chain's metrics", () => {
  it("count what stops the writer and what is in its way", () => {
    const text = renderMetrics(
      chainMetrics({ ...fine, pending: 3, fault: disagree, problems: ["CHAIN_FEE_CAP", "CHAIN_FEE_CAP"] }),
    );
    for (const line of [
      "caliber_chain_up 1",
      "caliber_chain_intents_pending 3",
      `caliber_chain_problems{code="${disagree}"} 1`,
      'caliber_chain_problems{code="CHAIN_FEE_CAP"} 2',
      "caliber_chain_balance_gwei 1.5",
    ]) {
      expect(text.split("\n")).toContain(line);
    }
  });

  it("tell no balance before the node has", () => {
    const text = renderMetrics(chainMetrics({ ...fine, rpc: "starting", balance_gwei: null }));
    expect(text).not.toMatch(/^caliber_chain_balance_gwei/m);
    expect(text).toContain("caliber_chain_up 0");
  });
});

describe("the chain's status", () => {
  it("comes from the writer's", () => {
    const writer: ChainWriterStatus = {
      rpc: { state: "down", since_ms: 1, error: "refused" },
      fault: null,
      intents: { wanted: 1, signed: 2, mined: 4, done: 8, failed: 16, obsolete: 32 },
      last_block: null,
      balance_wei: 2_500_000_000n,
      problems: [{ code: "CHAIN_FEE_CAP", subject: "new", text: "", since_ms: 1 }],
    };
    expect(chainStatus(writer)).toEqual({
      rpc: "down",
      pending: 7,
      fault: null,
      problems: ["CHAIN_FEE_CAP"],
      balance_gwei: 2.5,
    });
  });
});
