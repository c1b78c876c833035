import type { Intent } from "./intent.js";
import type { Problems } from "./problems.js";
import type { RegistryView } from "./registryView.js";
import type { WriterContext } from "./writerContext.js";

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
  /** Those of intents that nobody wishes for any more are over too: they will never be tried again. */
  review({ store, view, problems }: Pick<WriterContext, "store" | "view" | "problems">): void {
    for (const { code, subject } of problems.list()) {
      if (code !== "INTENT_REFUSED") continue;
      const intent = store.find(subject);
      if (intent === null || !isWished(view, intent)) problems.clear(code, subject);
    }
  },
};

function isWished(view: RegistryView, { kind, payload }: Intent): boolean {
  switch (kind) {
    case "mint":
      return view.candidates().some(({ device }) => device === payload.device);
    case "amend":
      return view
        .amendments()
        .some((wish) => isOf(wish, payload) && `0x${wish.evidence}` === payload.evidence);
    case "rotate":
      return view.rotations().some((wish) => isOf(wish, { ...payload, ...payload.rotation }));
    case "replace":
      return view.replacements().some((wish) => isOf(wish, { ...payload, ...payload.replacement }));
    case "anchor":
    case "post":
      return true;
  }
}

type TokenOf<Id> = { token_id: Id; device: string };

function isOf(wish: TokenOf<bigint>, payload: TokenOf<string>): boolean {
  return String(wish.token_id) === payload.token_id && wish.device === payload.device;
}

function nameOf({ kind, id }: Intent): [code: string, subject: string] {
  return kind === "post" || kind === "anchor" ? ["CHAIN_REFUSES", kind] : ["INTENT_REFUSED", id];
}
