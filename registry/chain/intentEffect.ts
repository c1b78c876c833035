import { type Hex, parseEventLogs } from "viem";
import { caliberHealthAbi } from "../../contracts-abi/abi/CaliberHealth.js";
import { caliberLogAbi } from "../../contracts-abi/abi/CaliberLog.js";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import type {
  AmendPayload,
  AnchorPayload,
  Intent,
  IntentBlock,
  PostPayload,
  ReplacePayload,
  RotatePayload,
} from "./intent.js";
import { revertOf } from "./revertOf.js";
import type { WriterContext } from "./writerContext.js";

/**
 * - `absent`: still to be done.
 * - `present`: on chain, whoever brought it there.
 * - `overtaken`: the chain has moved past it; it can never succeed again.
 */
export type Effect =
  | { is: "absent" }
  | { is: "present"; tx: Hex; block: IntentBlock }
  | { is: "overtaken"; reason: string };

type Ports = Pick<WriterContext, "client" | "deployment">;

const absent: Effect = { is: "absent" };

/** Asks the chain, not the table, whether an intent's effect is there. */
export async function intentEffect(ports: Ports, intent: Intent): Promise<Effect> {
  switch (intent.kind) {
    case "mint":
      return mintEffect(ports, intent.payload.device, intent.payload.authorization.nonce);
    case "amend":
      return amendEffect(ports, intent.payload);
    case "rotate":
      return rotateEffect(ports, intent.payload);
    case "replace":
      return replaceEffect(ports, intent.payload);
    case "anchor":
      return anchorEffect(ports, intent.payload);
    case "post":
      return postEffect(ports, intent.payload);
  }
}

/** The event since which a live token names this key: its own mint, or a rotation or a replacement. */
export async function findNaming(ports: Ports, token_id: bigint, key: string) {
  const mint = await findMint(ports, key);
  if (mint?.token_id === token_id) return { ...mint, minted: true };
  const change = await findKeyChange(ports, token_id, key);
  return change && { ...change, token_id, minted: false };
}

/** The mint that gave a device's key a token. */
async function findMint({ client, deployment }: Ports, device: string) {
  const [log] = (
    await client.getContractEvents({
      address: deployment.token,
      abi: caliberTokenAbi,
      eventName: "TitleMinted",
      args: { deviceKeyHash: `0x${device}` },
      fromBlock: BigInt(deployment.block.number),
      toBlock: "latest",
      strict: true,
    })
  ).slice(-1);
  return log === undefined ? null : { ...placeOf(log), token_id: log.args.tokenId };
}

/** The token that a mint's receipt gave to the device. */
export function tokenMinted(
  logs: Parameters<typeof parseEventLogs>[0]["logs"],
  device: string,
): bigint | null {
  const minted = parseEventLogs({ abi: caliberTokenAbi, eventName: "TitleMinted", logs }).find(
    (log) => log.args.deviceKeyHash === `0x${device}`,
  );
  return minted?.args.tokenId ?? null;
}

async function mintEffect(ports: Ports, device: string, nonce: string): Promise<Effect> {
  const { client, deployment } = ports;
  const [tokenId, chainNonce] = await client.readContract({
    address: deployment.token,
    abi: caliberTokenAbi,
    functionName: "tokenOfKey",
    args: [`0x${device}`],
  });
  if (tokenId !== 0n) {
    const found = await findNaming(ports, tokenId, device);
    // The state was read a moment before the events: a reorganisation in between leaves it for the next step.
    if (found === null) return absent;
    if (!found.minted) return { is: "overtaken", reason: `token ${tokenId} was made to name the key` };
    return { is: "present", tx: found.tx, block: found.block };
  }
  if (chainNonce !== BigInt(nonce)) return { is: "overtaken", reason: "the key is retired" };
  return absent;
}

async function amendEffect({ client, deployment }: Ports, payload: AmendPayload): Promise<Effect> {
  const token_id = BigInt(payload.token_id);
  try {
    const title = await client.readContract({
      address: deployment.token,
      abi: caliberTokenAbi,
      functionName: "titleOf",
      args: [token_id],
    });
    if (title.deviceKeyHash !== `0x${payload.device}`) {
      return { is: "overtaken", reason: "the title names another key than the one that the evidence is of" };
    }
    if (title.evidence !== payload.evidence || title.assurance !== payload.assurance) return absent;
  } catch (error) {
    const revert = revertOf(error);
    if (revert === null) throw error;
    return { is: "overtaken", reason: revert.text };
  }
  const [log] = (
    await client.getContractEvents({
      address: deployment.token,
      abi: caliberTokenAbi,
      eventName: "TitleAmended",
      args: { tokenId: token_id },
      fromBlock: BigInt(deployment.block.number),
      toBlock: "latest",
      strict: true,
    })
  ).slice(-1);
  if (log === undefined) return { is: "overtaken", reason: "the title was minted with this evidence" };
  return { is: "present", ...placeOf(log) };
}

/** The event that made `key` the one that a token names, other than by its mint. */
export async function findKeyChange({ client, deployment }: Ports, token_id: bigint, key: string) {
  const [log] = (
    await client.getContractEvents({
      address: deployment.token,
      abi: caliberTokenAbi,
      eventName: "DeviceKeyChanged",
      args: { tokenId: token_id },
      fromBlock: BigInt(deployment.block.number),
      toBlock: "latest",
      strict: true,
    })
  ).filter(({ args }) => args.newKeyHash === `0x${key}`);
  return log === undefined ? null : placeOf(log);
}

async function rotateEffect(ports: Ports, { device, key, rotation }: RotatePayload): Promise<Effect> {
  const change = { token_id: BigInt(rotation.token_id), from: key, to: device };
  return keyChangeEffect(ports, change, (nonce) =>
    nonce === BigInt(rotation.nonce) ? absent : { is: "overtaken", reason: "the old key's nonce is used up" },
  );
}

async function replaceEffect(ports: Ports, { device, key, replacement }: ReplacePayload): Promise<Effect> {
  const change = { token_id: BigInt(replacement.token_id), from: key, to: device };
  return keyChangeEffect(ports, change, () => absent);
}

/**
 * `standing` says what it is while the token still names the old key. Logs are read only where there is something to find:
 * a node may refuse a range that reaches back to the deployment.
 */
async function keyChangeEffect(
  ports: Ports,
  { token_id, from, to }: { token_id: bigint; from: string; to: string },
  standing: (nonce: bigint) => Effect,
): Promise<Effect> {
  const { client, deployment } = ports;
  const read = (key: string) =>
    client.readContract({
      address: deployment.token,
      abi: caliberTokenAbi,
      functionName: "tokenOfKey",
      args: [`0x${key}`],
    });
  const [live, nonce] = await read(from);
  if (live === token_id) return standing(nonce);
  const [, used] = await read(to);
  // A key that a token ever named has a nonce above zero, and keys never come back: what the event shows has been so since.
  const found = used === 0n ? null : await findKeyChange(ports, token_id, to);
  return found === null
    ? { is: "overtaken", reason: `token ${token_id} does not name the key that it was to leave` }
    : { is: "present", ...found };
}

async function anchorEffect({ client, deployment }: Ports, payload: AnchorPayload): Promise<Effect> {
  const { origin, size, root } = payload;
  const [latest] = await client.readContract({
    address: deployment.log,
    abi: caliberLogAbi,
    functionName: "latest",
    args: [origin],
  });
  if (latest < BigInt(size)) return absent;
  const [log] = await client.getContractEvents({
    address: deployment.log,
    abi: caliberLogAbi,
    eventName: "Anchored",
    args: { origin, size: BigInt(size) },
    fromBlock: BigInt(deployment.block.number),
    toBlock: "latest",
    strict: true,
  });
  if (log === undefined || log.args.root !== root) {
    return { is: "overtaken", reason: `size ${latest} is anchored already` };
  }
  return { is: "present", ...placeOf(log) };
}

async function postEffect({ client, deployment }: Ports, payload: PostPayload): Promise<Effect> {
  const { epoch, fleet_root } = payload;
  const [latest] = await client.readContract({
    address: deployment.health,
    abi: caliberHealthAbi,
    functionName: "fleet",
  });
  if (latest < epoch) return absent;
  const [log] = await client.getContractEvents({
    address: deployment.health,
    abi: caliberHealthAbi,
    eventName: "EpochPosted",
    args: { epoch },
    fromBlock: BigInt(deployment.block.number),
    toBlock: "latest",
    strict: true,
  });
  if (log === undefined || log.args.fleetRoot !== fleet_root) {
    return { is: "overtaken", reason: `epoch ${latest} is posted already` };
  }
  return { is: "present", ...placeOf(log) };
}

function placeOf(log: { transactionHash: Hex; blockNumber: bigint; blockHash: Hex }) {
  return { tx: log.transactionHash, block: { number: Number(log.blockNumber), hash: log.blockHash } };
}
