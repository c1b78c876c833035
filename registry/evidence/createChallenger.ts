import type { ChallengeEntry } from "../../protocol/log/entryBodies.js";
import type { DeviceFold } from "../health/deviceFold.js";
import type { HealthPolicy } from "../health/policy.js";
import type { Downlink } from "../ingest/downlink.js";
import type { Ledger } from "../log/ledger.js";

export type ChallengerOptions = {
  devices: () => Iterable<DeviceFold>;
  policy: () => HealthPolicy;
  ledger: Pick<Ledger, "add">;
  downlink: Pick<Downlink, "send">;
  isRevoked: (host: string) => boolean;
  now_ms: () => number;
  /** 0 up to 1: when. Nobody may foresee it, so not Math.random's where a borrower could watch it. */
  random: () => number;
  /** 32 bytes, hex: what. */
  newChallenge: () => string;
};

export type Challenger = {
  /** Challenges what is due. To be called about once a second. */
  tick(): void;
};

/** The first challenge comes within this time: titles wait for it. */
const first_ms = 10_000;

/** When a device is to be asked, and for which state of it that was drawn. */
type Plan = { key: string; due_ms: number };

/**
 * Asks GPUs for evidence, unannounced. When is drawn anew after each challenge; it follows from the fold and from chance, so that
 * a restart of the registry draws once more and loses nothing. A device that is silent is asked when it is back: until
 * then its silicon lapses by itself.
 */
export function createChallenger(options: ChallengerOptions): Challenger {
  const { devices, policy, ledger, downlink, isRevoked, now_ms, random, newChallenge } = options;
  const plans = new Map<string, Plan>();
  /** Queued, and not yet in the fold. */
  const underWay = new Set<string>();

  const planOf = (fold: DeviceFold): Plan => {
    const key = `${fold.challenged_ms} ${fold.silicon !== null}`;
    const before = plans.get(fold.device);
    if (before?.key === key) return before;
    const { challenge_min_ms, challenge_max_ms, challenge_unanswered_ms } = policy();
    const once = challenge_min_ms + random() * (challenge_max_ms - challenge_min_ms);
    const answers = fold.silicon !== null;
    const from_ms = fold.challenged_ms ?? now_ms();
    // One that has never answered is asked rarely.
    const wait_ms =
      fold.challenged_ms === null
        ? random() * Math.min(first_ms, challenge_min_ms)
        : answers
          ? once
          : challenge_unanswered_ms * (0.5 + random() / 2);
    const plan = { key, due_ms: from_ms + wait_ms };
    plans.set(fold.device, plan);
    return plan;
  };

  const issue = ({ device, host }: DeviceFold): void => {
    const issued_ms = now_ms();
    const { challenge_answer_ms } = policy();
    const body: ChallengeEntry = {
      device,
      challenge: newChallenge(),
      issued_ms,
      expires_ms: issued_ms + challenge_answer_ms,
    };
    underWay.add(device);
    ledger.add("challenge", body, {
      // In the log first: nobody can say afterwards that it was not asked.
      done: () => {
        underWay.delete(device);
        const { challenge } = body;
        downlink.send(host, { type: "challenge", device, challenge }, body.expires_ms - now_ms());
      },
    });
  };

  return {
    tick() {
      const at_ms = now_ms();
      const all = [...devices()];
      // A collector answers for one GPU at a time, and some read all GPUs of the host each time.
      const busy = new Set(all.filter((fold) => isOpen(fold, underWay)).map(({ host }) => host));
      for (const fold of all) {
        const { device, host } = fold;
        if (isOpen(fold, underWay) || !isHeard(fold)) continue;
        const due = fold.challenge_wanted || at_ms >= planOf(fold).due_ms;
        if (!due || (busy.has(host) && !fold.challenge_wanted) || isRevoked(host)) continue;
        plans.delete(device);
        busy.add(host);
        issue(fold);
      }
    },
  };
}

const isOpen = (fold: DeviceFold, underWay: ReadonlySet<string>): boolean =>
  fold.challenge !== null || underWay.has(fold.device);

/** There is somebody to answer, and an inventory to hold the answer against. */
function isHeard({ inventory, fresh_ms, state, cause, retired }: DeviceFold): boolean {
  if (retired !== null) return false;
  return inventory !== null && fresh_ms !== null && state !== "stale" && cause !== "pause_announced";
}
