import { formatGwei } from "viem";
import type { Metric } from "../api/metrics.js";
import type { ChainWriterStatus } from "./chainWriter.js";

/** What the rest of the registry needs to know of the chain's side. */
export type ChainStatus = {
  rpc: "ok" | "starting" | "down";
  /** Intents that are not done yet. */
  pending: number;
  /** Code of what ended the last round; null when it went well or no node answered. */
  fault: string | null;
  /** Codes of what a person should know, once for each thing they are about. */
  problems: string[];
  /** Of the writer's account; null while no node has told. */
  balance_gwei: number | null;
};

export function chainStatus({ rpc, intents, fault, problems, balance_wei }: ChainWriterStatus): ChainStatus {
  return {
    rpc: rpc.state,
    pending: intents.wanted + intents.signed + intents.mined,
    fault: fault?.code ?? null,
    problems: problems.map(({ code }) => code),
    balance_gwei: balance_wei === null ? null : Number(formatGwei(balance_wei)),
  };
}

/**
 * The chain's word in `/healthz`: `ok`, `starting`, `down`, the code of what stops the writer, or the codes of what is
 * in its way. What is wrong with single titles is no matter of the chain.
 */
export function chainWord({ rpc, fault, problems }: ChainStatus): string {
  if (rpc !== "ok") return rpc;
  if (fault !== null) return fault;
  const own = problems.filter((code) => /^(CHAIN|WRITER)_/.test(code));
  return own.length === 0 ? "ok" : [...new Set(own)].sort().join(" ");
}

export function chainMetrics({ rpc, pending, fault, problems, balance_gwei }: ChainStatus): Metric[] {
  const told = new Map<string, number>();
  for (const code of fault === null ? problems : [fault, ...problems]) {
    told.set(code, (told.get(code) ?? 0) + 1);
  }
  const gauge = (name: string, help: string, samples: Metric["samples"]): Metric => ({
    name,
    help,
    type: "gauge",
    samples,
  });
  return [
    gauge("caliber_chain_up", "1 when the chain's node answers.", [{ value: rpc === "ok" ? 1 : 0 }]),
    gauge("caliber_chain_intents_pending", "Intents that are not done yet.", [{ value: pending }]),
    gauge(
      "caliber_chain_problems",
      "What stops the chain writer or is in its way, by code.",
      [...told].map(([code, value]) => ({ labels: { code }, value })),
    ),
    gauge(
      "caliber_chain_balance_gwei",
      "What the writer's account has for gas.",
      balance_gwei === null ? [] : [{ value: balance_gwei }],
    ),
  ];
}
