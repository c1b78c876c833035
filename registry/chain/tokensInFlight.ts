import type { IntentStore } from "./intentStore.js";

/**
 * Tokens whose evidence, or the key that it is of, some intent is about to change. One at a time: an amendment that lands
 * after another GPU took the title would bring the former one's evidence and assurance with it.
 */
export function tokensInFlight(store: Pick<IntentStore, "inState">): Set<string> {
  const tokens = new Set<string>();
  for (const { kind, payload } of store.inState("wanted", "signed", "mined")) {
    if (kind === "amend") tokens.add(payload.token_id);
    if (kind === "rotate") tokens.add(payload.rotation.token_id);
    if (kind === "replace") tokens.add(payload.replacement.token_id);
  }
  return tokens;
}
