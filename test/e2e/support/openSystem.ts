import { readFileSync } from "node:fs";
import { join } from "node:path";
import { http } from "viem";
import { identityFile } from "../../../agent/enrol/identityFile.js";
import { caliberTokenAbi } from "../../../contracts-abi/abi/CaliberToken.js";
import { statementHash } from "../../../protocol/dsse/statementHash.js";
import { openCheckpoint } from "../../../protocol/log/checkpoint.js";
import { type DecodedEntry, decodeEntry } from "../../../protocol/log/entry.js";
import { leafHash } from "../../../protocol/merkle/leafHash.js";
import { verifyInclusion } from "../../../protocol/merkle/verifyInclusion.js";
import { chainClient } from "../../../registry/chain/chainClient.js";
import { type ChainReader, createChainReader } from "../../../registry/chain/chainReader.js";
import { loadDeployment } from "../../../registry/chain/deployment.js";
import type { FeedItem } from "../../../registry/events/eventFeed.js";
import { checkpointKey } from "../../support/checkpointKey.js";

export type Ports = Record<"mqtt" | "enrol" | "api" | "rpc", number>;
export type System = {
  ports: Ports;
  api_url: string;
  token: string;
  get(path: string): Promise<Response>;
  json<T>(path: string): Promise<T>;
  /** Every event in the feed, from the first on. */
  events(): Promise<FeedItem[]>;
  chain: ChainReader;
  totals(): Promise<{ minted: number; supply: number }>;
  /** The entry of a statement or tick, fetched with its proof and verified against a checkpoint that the log's key signed. */
  provenEntry(evidence: string): Promise<{ idx: number; bytes: Buffer; entry: DecodedEntry }>;
  /** Device ids of a host in the order of its GPUs. */
  devicesOf(host: string): string[];
};

/** A running `caliber up`, seen from outside: its API, its chain, and nothing of its processes. */
export function openSystem(data_dir: string): System {
  const ports = JSON.parse(readFileSync(join(data_dir, "ports.json"), "utf8")) as Ports;
  const token = readFileSync(join(data_dir, "api.token"), "utf8").trim();
  const api_url = `http://127.0.0.1:${ports.api}`;
  const transport = http(`http://127.0.0.1:${ports.rpc}`);
  const deployment = loadDeployment(join(data_dir, "chain", "deployment.json"))!;
  const client = chainClient(transport);
  const total = async (functionName: "totalMinted" | "totalSupply"): Promise<number> =>
    Number(await client.readContract({ address: deployment.token, abi: caliberTokenAbi, functionName }));

  const get = async (path: string): Promise<Response> => {
    const response = await fetch(new URL(path, api_url), { headers: { authorization: `Bearer ${token}` } });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  const json = async <T>(path: string): Promise<T> => (await (await get(path)).json()) as T;
  const entryAt = async (idx: number): Promise<Buffer> =>
    Buffer.from(await (await get(`/v1/log/entries/${idx}`)).arrayBuffer());

  /** The newest entries first: what an event speaks of is not long ago. */
  const idxOf = async (statement: string, size: number): Promise<number> => {
    for (let idx = size - 1; idx >= 0; idx -= 1) {
      const entry = decodeEntry(await entryAt(idx));
      if (entry.kind === "report" && statementHash(entry.pae).toString("hex") === statement) return idx;
    }
    throw new Error(`statement ${statement} is not in the log`);
  };

  return {
    ports,
    api_url,
    token,
    get,
    json,
    async events() {
      const all: FeedItem[] = [];
      for (let after = 0; ; after = all.at(-1)!.id) {
        const { events } = await json<{ events: FeedItem[] }>(`/v1/events?after=${after}&limit=1000`);
        if (events.length === 0) return all;
        all.push(...events);
      }
    },
    chain: createChainReader(transport, deployment),
    totals: async () => ({ minted: await total("totalMinted"), supply: await total("totalSupply") }),
    async provenEntry(evidence) {
      const { log_vkey } = await json<{ log_vkey: string }>("/v1/keys");
      const { origin, key } = checkpointKey(log_vkey);
      const { size, root } = openCheckpoint(await (await get("/v1/checkpoint")).text(), origin, key);
      const tick = /^tick:([0-9]+)$/.exec(evidence)?.[1];
      const idx = tick === undefined ? await idxOf(evidence, size) : Number(tick);
      const bytes = await entryAt(idx);
      const { proof } = await json<{ proof: string[] }>(`/v1/log/proofs/${idx}?size=${size}`);
      verifyInclusion(
        leafHash(bytes),
        idx,
        size,
        proof.map((hash) => Buffer.from(hash, "hex")),
        root,
      );
      return { idx, bytes, entry: decodeEntry(bytes) };
    },
    devicesOf: (host) =>
      identityFile(join(data_dir, "hosts", host))
        .load()
        .devices.map(({ device }) => device),
  };
}
