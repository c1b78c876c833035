import { BaseError, type Hex, type PublicClient, type Transport } from "viem";
import { CaliberError } from "../../protocol/errors.js";
import { chainClient } from "./chainClient.js";
import type { Problems } from "./problems.js";

/** A way to a node of the chain. `name` is shown to people and holds no key. */
export type Endpoint = { name: string; transport: Transport };

export type Endpoints = {
  /** Every request goes to the endpoint in use. */
  transport: Transport;
  /**
   * Holds the endpoints against each other, when it is time or there is doubt, and chooses the one to use. True when
   * that is the one that was in use before.
   *
   * @throws CaliberError CHAIN_ENDPOINTS_DISAGREE while two that answer are not of one chain; viem's errors when none
   *   answers
   */
  check(): Promise<boolean>;
  /** The endpoint in use failed: the next one's turn, if it answers. */
  distrust(): void;
};

type Word = { chain_id: number; genesis: Hex; head_s: number; finalized: number };

/** A node that is this much older than another does not follow the chain. */
const behind_s = 120;
/** Where a node knows no finalized block: no reorganisation is expected to be deeper. */
const final_blocks = 64;

export function createEndpoints(options: {
  endpoints: readonly Endpoint[];
  problems: Problems;
  check_interval_ms: number;
  now_ms: () => number;
}): Endpoints {
  const { endpoints, problems, check_interval_ms, now_ms } = options;
  const clients = endpoints.map(({ transport }) => chainClient(transport));
  let inUse = 0;
  let used = 0;
  let checked_ms: number | null = null;

  async function check(): Promise<void> {
    const all = await settle(clients.map(wordOf));
    const answering = [...all.keys()].filter((i) => {
      const { name } = endpoints[i]!;
      const word = all[i]!;
      if (!(word instanceof BaseError)) problems.clear("CHAIN_ENDPOINT_DOWN", name);
      // Its long message carries the address, which may hold a key.
      else problems.set("CHAIN_ENDPOINT_DOWN", name, `${name}: ${word.shortMessage}`);
      return !(word instanceof BaseError);
    });
    if (answering.length === 0) throw all[0];
    const words = new Map(answering.map((i) => [i, all[i] as Word]));
    agree(words, "chain ids", ({ chain_id }) => String(chain_id));
    agree(words, "genesis blocks", ({ genesis }) => genesis);
    const common = Math.min(...[...words.values()].map(({ finalized }) => finalized));
    const hashes = await Promise.all(answering.map((i) => hashAt(clients[i]!, common)));
    agree(new Map(answering.map((i, at) => [i, hashes[at]!])), `blocks ${common}`, (hash) => hash);

    const newest_s = Math.max(...[...words.values()].map(({ head_s }) => head_s));
    const current = answering.filter((i) => {
      const { name } = endpoints[i]!;
      const late_s = newest_s - words.get(i)!.head_s;
      if (late_s > behind_s) problems.set("CHAIN_ENDPOINT_BEHIND", name, `${name} does not follow the chain`);
      else problems.clear("CHAIN_ENDPOINT_BEHIND", name);
      return late_s <= behind_s;
    });
    if (!current.includes(inUse)) inUse = current.find((i) => i > inUse) ?? current[0]!;
  }

  function agree<T>(words: Map<number, T>, what: string, of: (word: T) => string): void {
    const [[first, word]] = [...words] as [[number, T]];
    for (const [i, other] of words) {
      if (of(other) === of(word)) continue;
      throw new CaliberError(
        "CHAIN_ENDPOINTS_DISAGREE",
        `${endpoints[first]!.name} and ${endpoints[i]!.name} have different ${what}`,
        { details: `${of(word)} and ${of(other)}`, disposition: "user" },
      );
    }
  }

  return {
    transport: (settings) => {
      const made = endpoints.map(({ transport }) => transport(settings));
      const request: (typeof made)[0]["request"] = (args, requestOptions) =>
        made[inUse]!.request(args, requestOptions);
      return { ...made[0]!, request };
    },
    async check() {
      if (endpoints.length > 1 && (checked_ms === null || now_ms() - checked_ms >= check_interval_ms)) {
        checked_ms = null;
        await check();
        checked_ms = now_ms();
      }
      const same = used === inUse;
      used = inUse;
      return same;
    },
    distrust() {
      inUse = (inUse + 1) % endpoints.length;
      checked_ms = null;
    },
  };
}

/** What each answered, or viem's error where it did not. Any other error is about us. */
async function settle(asked: Promise<Word>[]): Promise<(Word | BaseError)[]> {
  return Promise.all(
    asked.map((word) =>
      word.catch((error: unknown) => {
        if (error instanceof BaseError) return error;
        throw error;
      }),
    ),
  );
}

async function wordOf(client: PublicClient): Promise<Word> {
  const [chain_id, genesis, head, finalized] = await Promise.all([
    client.getChainId(),
    hashAt(client, 0),
    client.getBlock({ blockTag: "latest" }),
    client.getBlock({ blockTag: "finalized" }).catch((error: unknown) => {
      // Not every node knows the tag. One that is away fails by the other requests.
      if (error instanceof BaseError) return null;
      throw error;
    }),
  ]);
  const number = finalized?.number ?? head.number - BigInt(final_blocks);
  return {
    chain_id,
    genesis,
    head_s: Number(head.timestamp),
    finalized: Math.max(0, Number(number)),
  };
}

async function hashAt(client: PublicClient, number: number): Promise<Hex> {
  return (await client.getBlock({ blockNumber: BigInt(number) })).hash;
}
