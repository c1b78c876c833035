import { setTimeout as sleep } from "node:timers/promises";
import type { HealthOnChain } from "../../../registry/chain/chainReader.js";
import { until } from "../../support/until.js";
import type { System } from "./openSystem.js";

export type Seen = { token_id: string; on_chain: HealthOnChain };
export type ChainWatch = {
  /** Waits until the chain has told this of a token, in `healthOf`. */
  saw(token_id: string, expected: Pick<HealthOnChain, "state" | "cause" | "evidence_hash">): Promise<Seen>;
  stop(): Promise<void>;
};

const every_ms = 400;
const patience_ms = 15_000;

/** Reads `healthOf` of tokens again and again, and keeps all that it ever said. */
export function watchChain(system: System, token_ids: readonly string[]): ChainWatch {
  const seen = new Map<string, Seen>();
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      await Promise.all(
        token_ids.map(async (token_id) => {
          const on_chain = await system.chain.healthOf(BigInt(token_id));
          seen.set(nameOf(token_id, on_chain), { token_id, on_chain });
        }),
      );
      await sleep(every_ms);
    }
  })();
  watching.catch(() => undefined);
  return {
    saw: (token_id, expected) =>
      Promise.race([
        until(`healthOf(${token_id}) is ${expected.state}, ${expected.cause}`, patience_ms, () =>
          seen.get(nameOf(token_id, expected)),
        ),
        watching.then(() => {
          throw new Error("the chain is not watched any more");
        }),
      ]),
    async stop() {
      stopped = true;
      await watching;
    },
  };
}

function nameOf(
  token_id: string,
  { state, cause, evidence_hash }: Pick<HealthOnChain, "state" | "cause" | "evidence_hash">,
) {
  return [token_id, state, cause, evidence_hash].join(" ");
}
