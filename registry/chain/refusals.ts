import type { Intent } from "./intent.js";
import type { Problems } from "./problems.js";

/**
 * Tells that the chain refuses an intent, until one like it is done or of no use any more: the next post or anchor
 * stands for the one before, a mint or an amendment for none but itself.
 */
export const refusals = {
  tell(problems: Problems, intent: Intent, text: string): void {
    const [code, subject] = nameOf(intent);
    problems.set(code, subject, `${intent.id}: ${text}`);
  },
  over(problems: Problems, intent: Intent): void {
    problems.clear(...nameOf(intent));
  },
};

function nameOf({ kind, id }: Intent): [code: string, subject: string] {
  return kind === "post" || kind === "anchor" ? ["CHAIN_REFUSES", kind] : ["INTENT_REFUSED", id];
}
