import { CaliberError } from "../../protocol/errors.js";
import type { RegistryKeyChange } from "../../protocol/registryKey/registryKeyChange.js";
import type { EventFeed } from "../events/eventFeed.js";
import type { DeviceFold } from "../health/deviceFold.js";
import type { Loans } from "../loans/startLoans.js";
import type { Checkpointer } from "../log/checkpointer.js";
import type { EvidenceLog } from "../log/evidenceLog.js";
import type { ReplacementStatus } from "../replacement/replacementStatus.js";
import type { UsageReader } from "../store/usage.js";
import { type ApprovalRoutesContext, approvalRoutes } from "./approvalRoutes.js";
import { deviceView } from "./deviceView.js";
import { HttpError } from "./httpError.js";
import { integerOf } from "./integerOf.js";
import { jsonAnswer as json } from "./jsonAnswer.js";
import { type LoanRoutesContext, loanRoutes } from "./loanRoutes.js";
import { type Metric, renderMetrics } from "./metrics.js";
import { tokenLoans } from "./tokenLoans.js";
import { tokenView } from "./tokenView.js";

export type ApiContext = {
  devices: () => Iterable<DeviceFold>;
  findDevice: (device: string) => DeviceFold | undefined;
  usage: UsageReader;
  feed: EventFeed;
  log: EvidenceLog;
  checkpointer: Checkpointer;
  /** What a reader must pin: the log's verifier key and the registry's receipt key; and how they came to be these. */
  keys: { log_vkey: string; registry_spki: string; changes: readonly RegistryKeyChange[] };
  /** Health as the chain tells it, when there is a chain. Rejects with viem's errors, which hold the node's URL. */
  healthOnChain: ((tokenId: bigint) => Promise<unknown>) | null;
  metrics: () => Metric[];
  health: () => { ok: boolean; checks: Record<string, string> };
  /** Orders that another device stand in behind a token, and how far each has come. */
  replacements: () => ReplacementStatus[];
  loans: (LoanRoutesContext["loans"] & Pick<Loans, "collateral">) | null;
  now_ms: () => number;
} & ApprovalRoutesContext;

export type ApiRequest = {
  path: string;
  query: URLSearchParams;
  /** Of a POST. */
  body?: Buffer;
};
export type ApiAnswer = {
  status: number;
  type: string;
  body: string | Buffer;
  /** What failed on the way to an answer that is given without it: for the log. */
  fault?: unknown;
};
export type Route = {
  pattern: RegExp;
  open?: boolean;
  /** GET, with a read token, when left out; POST wants a token of the scope `approve`. */
  method?: "POST";
  handle(request: ApiRequest, match: string[]): ApiAnswer | Promise<ApiAnswer>;
};

/** Each event is signed as it is read, so that one request costs no more than this many signatures. */
const eventsAtOnce = 200;

/** The read API. `/healthz` alone answers without a token. */
export function createRoutes(context: ApiContext): Route[] {
  const view = (fold: DeviceFold) => deviceView(fold, context.usage, context.now_ms());
  const device = (id: string): DeviceFold => {
    const fold = context.findDevice(id);
    if (fold === undefined) throw new HttpError(404, "DEVICE_UNKNOWN", "no such device");
    return fold;
  };
  const titled = () =>
    [...context.devices()].flatMap((fold) => (fold.token === null ? [] : [{ fold, token: fold.token }]));
  return [
    {
      pattern: /^\/healthz$/,
      open: true,
      handle() {
        const health = context.health();
        return json(health, health.ok ? 200 : 503);
      },
    },
    {
      pattern: /^\/metrics$/,
      handle: () => ({
        status: 200,
        type: "text/plain; version=0.0.4",
        body: renderMetrics(context.metrics()),
      }),
    },
    {
      pattern: /^\/v1\/devices$/,
      handle: () => json({ log_size: context.log.size(), devices: [...context.devices()].map(view) }),
    },
    { pattern: /^\/v1\/devices\/([0-9a-f]{64})$/, handle: (_request, [id]) => json(view(device(id!))) },
    {
      pattern: /^\/v1\/tokens$/,
      handle() {
        const all = titled();
        const loanOf = tokenLoans(
          all.map(({ token }) => token),
          context.loans,
        );
        return json({
          tokens: all.map(({ fold, token }) => ({
            ...tokenView(token),
            device: fold.device,
            loan: loanOf(token),
          })),
        });
      },
    },
    {
      pattern: /^\/v1\/tokens\/([0-9]{1,20})$/,
      async handle(_request, [id]) {
        const found = titled().find(({ token }) => token.token_id === id);
        if (found === undefined) throw new HttpError(404, "TOKEN_UNKNOWN", "no such token");
        const loan = tokenLoans([found.token], context.loans)(found.token);
        const about = { ...view(found.fold), loan, on_chain: null, on_chain_error: null };
        if (context.healthOnChain === null) return json(about);
        try {
          return json({ ...about, on_chain: await context.healthOnChain(BigInt(id!)) });
        } catch (fault) {
          // A node that is away takes nothing from what the registry itself knows.
          return { ...json({ ...about, on_chain_error: "the chain could not be read" }), fault };
        }
      },
    },
    {
      pattern: /^\/v1\/replacements$/,
      handle: () => json({ replacements: context.replacements() }),
    },
    ...loanRoutes(context),
    ...approvalRoutes(context),
    {
      pattern: /^\/v1\/events$/,
      handle({ query }) {
        const after = integerOf("after", query.get("after"), 0);
        const limit = integerOf("limit", query.get("limit"), 100);
        const events = context.feed.after(after, Math.min(limit, eventsAtOnce));
        return json({ events, next: events.at(-1)?.id ?? after });
      },
    },
    {
      pattern: /^\/v1\/checkpoint$/,
      handle: () => ({ status: 200, type: "text/plain; charset=utf-8", body: noteOf(context.checkpointer) }),
    },
    { pattern: /^\/v1\/keys$/, handle: () => json(context.keys) },
    {
      pattern: /^\/v1\/log\/entries\/([0-9]{1,15})$/,
      handle(_request, [idx]) {
        const bytes = context.log.read(Number(idx));
        if (bytes === null) throw new HttpError(404, "ENTRY_UNKNOWN", "no such entry");
        return { status: 200, type: "application/octet-stream", body: bytes };
      },
    },
    {
      pattern: /^\/v1\/log\/proofs\/([0-9]{1,15})$/,
      handle({ query }, [text]) {
        const idx = Number(text);
        const size = integerOf("size", query.get("size"), context.log.size(), context.log.size());
        if (idx >= size)
          throw new HttpError(404, "ENTRY_UNKNOWN", `entry ${idx} is not in the tree of ${size}`);
        return json({
          idx,
          size,
          leaf: context.log.leaf(idx).toString("hex"),
          root: context.log.rootAt(size).toString("hex"),
          proof: context.log.inclusion(idx, size).map((hash) => Buffer.from(hash).toString("hex")),
        });
      },
    },
    {
      pattern: /^\/v1\/log\/consistency$/,
      handle({ query }) {
        const size = integerOf("to", query.get("to"), context.log.size(), context.log.size());
        const old = integerOf("from", query.get("from"), 0, size);
        return json({
          from: old,
          to: size,
          proof: context.log.consistency(old, size).map((hash) => Buffer.from(hash).toString("hex")),
        });
      },
    },
  ];
}

/** A log that contradicts its anchor has no checkpoint to give: the reader is told why. */
function noteOf(checkpointer: Checkpointer): string {
  try {
    return checkpointer.current().note;
  } catch (error) {
    if (!(error instanceof CaliberError)) throw error;
    throw new HttpError(503, error.code, error.message);
  }
}
