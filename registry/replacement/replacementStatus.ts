import type { DeviceFold } from "../health/deviceFold.js";
import type { ReplacementObstacle } from "./replacementObstacle.js";
import type { ReplacementOrder, ReplacementProblem } from "./replacementOrders.js";
import { replacementTypedData } from "./replacementTypedData.js";

/** What a host declares of a GPU, for the eyes of who consents. */
export type ReplacementGpu = { host: string; label: string; model: string | null; uuid: string | null };

export type ReplacementStatus = {
  token_id: string;
  /** Who is to stand in, and who has the token; null for a device that is not on record. */
  device: string;
  former: string | null;
  gpus: { device: ReplacementGpu | null; former: ReplacementGpu | null };
  /**
   * What it waits for: that what `why` says is put right; the chain writer's first look; the device's signature; the consenter's; the
   * chain.
   */
  waits_for: "remedy" | "writer" | "device" | "consent" | "chain";
  why: {
    code: ReplacementObstacle["code"] | ReplacementProblem["code"] | "REPLACEMENT_EXPIRED";
    text: string;
  } | null;
  /** Who must consent, and whether that is a contract (ERC-1271); null while the writer has not said. */
  consenter: { address: string; by_contract: boolean } | null;
  /** EIP-712, as a wallet takes it; null until the device has signed. */
  typed_data: ReturnType<typeof replacementTypedData> | null;
  /** Until when both signatures are good. */
  deadline_ms: number | null;
  consented: boolean;
  /** The transaction, once it is mined. */
  tx: string | null;
};

/** How far an order has come, from what is stored of it. Pure. */
export function replacementStatus({
  order,
  holder,
  standIn,
  obstacle,
  underWay,
  now_ms,
}: {
  order: ReplacementOrder;
  holder: DeviceFold | undefined;
  standIn: DeviceFold | undefined;
  obstacle: ReplacementObstacle | null;
  underWay: { tx: string | null } | null;
  now_ms: number;
}): ReplacementStatus {
  const { token_id, device, asked, consenter, by_contract, consent, problem } = order;
  const deadline_ms = asked === null ? null : Number(asked.deadline) * 1000;
  const expired = deadline_ms !== null && deadline_ms <= now_ms;
  const facts = {
    token_id,
    device,
    former: holder?.device ?? null,
    gpus: { device: gpuOf(standIn), former: gpuOf(holder) },
    consenter: consenter === null ? null : { address: consenter, by_contract },
    typed_data: asked === null ? null : replacementTypedData(asked),
    deadline_ms,
    consented: consent !== null,
    tx: underWay?.tx ?? null,
  };
  // The chain decides of what it has been given, whatever the registry knows since.
  if (underWay !== null) return { ...facts, waits_for: "chain", why: null };
  const why = obstacle ?? problem;
  if (why !== null) return { ...facts, waits_for: "remedy", why: { code: why.code, text: why.text } };
  if (expired) {
    const text = "what the device signed has run out: the chain writer has it sign anew";
    return { ...facts, waits_for: "writer", why: { code: "REPLACEMENT_EXPIRED", text } };
  }
  const waits_for =
    consenter === null ? "writer" : asked === null ? "device" : consent === null ? "consent" : "chain";
  return { ...facts, waits_for, why: null };
}

function gpuOf(fold: DeviceFold | undefined): ReplacementGpu | null {
  if (fold === undefined) return null;
  const { host, label, inventory } = fold;
  return { host, label, model: inventory?.name ?? null, uuid: inventory?.uuid ?? null };
}
