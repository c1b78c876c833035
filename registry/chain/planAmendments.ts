import { tokensInFlight } from "./tokensInFlight.js";
import type { WriterContext } from "./writerContext.js";

/** Wants an amendment for each token whose hardware facts have changed. */
export function planAmendments({ store, view, settings, now_ms }: WriterContext): void {
  const wishes = view.amendments();
  if (wishes.length === 0) return;
  const underWay = tokensInFlight(store);
  for (const { token_id, device, evidence, assurance } of wishes) {
    if (underWay.has(String(token_id))) continue;
    const before = store.find(`amend:${token_id}:0x${evidence}`);
    const final = before !== null && ["done", "failed", "obsolete"].includes(before.state);
    if (final && now_ms() - before.updated_ms < settings.failure_retry_ms) continue;
    store.want({
      kind: "amend",
      payload: { device, token_id: String(token_id), evidence: `0x${evidence}`, assurance },
    });
  }
}
