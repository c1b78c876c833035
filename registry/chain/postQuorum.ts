import { type Address, type Hex, hashTypedData, type LocalAccount, type PublicClient } from "viem";
import { caliberHealthAbi } from "../../contracts-abi/abi/CaliberHealth.js";
import { CaliberError } from "../../protocol/errors.js";
import { askSigner, signerWrong, typedDataJson } from "./askSigner.js";
import type { AttestorSignature } from "./attestorSignature.js";
import { attests } from "./attests.js";
import { checkSignerUrl } from "./checkSignerUrl.js";
import type { Deployment } from "./deployment.js";
import { epochPostTypedData } from "./epochPost.js";
import type { PostPayload } from "./intent.js";
import type { Problems } from "./problems.js";

/** Another attestor, reached through a signer that its owner runs. */
export type CoSigner = { attestor: Address; url: string };

export type PostQuorum = {
  /**
   * As many signatures as CaliberHealth asks for, in the order that it asks for; null while there are not enough, which
   * `problems` tells. The writer's own is made first. May be asked again with the same post: what was signed is kept
   * until another post is asked about, and a co-signer that failed is left alone for a while.
   *
   * @throws what the account throws from signing; viem's errors when the node does not answer
   */
  signaturesFor(post: PostPayload): Promise<AttestorSignature[] | null>;
  /**
   * The contract does not take this attestor's signature: the co-signer is told of as wrong, and others are asked first.
   * False when it is no co-signer's.
   */
  reject(attestor: Address): boolean;
};

/** @throws CaliberError OPTION_INVALID for a co-signer's address that is neither https nor on loopback */
export function createPostQuorum(options: {
  client: PublicClient;
  account: LocalAccount;
  co_signers: readonly CoSigner[];
  deployment: Deployment;
  problems: Problems;
  /** How long a co-signer that failed is left alone. */
  retry_ms: number;
  now_ms: () => number;
  /** Ends what is being asked. */
  signal: AbortSignal;
}): PostQuorum {
  const { client, account, deployment, problems, retry_ms, now_ms, signal } = options;
  const coSigners = options.co_signers.map(({ attestor, url }) => ({ attestor: lower(attestor), url }));
  for (const { url } of coSigners) checkSignerUrl(url, "co-signer");
  const own = lower(account.address);
  const health = deployment.health;
  let held: { digest: Hex; signatures: Map<Address, Hex> } = { digest: "0x", signatures: new Map() };
  /** At most one question to each is under way: one that stalls is not asked again on top of it. */
  const underWay = new Map<Address, Promise<void>>();
  const leftAloneUntil_ms = new Map<Address, number>();

  /** Never rejects: what went wrong is told. */
  function ask(coSigner: CoSigner, post: PostPayload, into: typeof held): Promise<void> {
    const { attestor } = coSigner;
    const before = underWay.get(attestor);
    if (before !== undefined) return before;
    if (now_ms() < (leftAloneUntil_ms.get(attestor) ?? 0)) return Promise.resolve();
    const asked = question(coSigner, post, into)
      .catch((error: unknown) => {
        // Errors of the node are not the co-signer's: the round meets them too, and the co-signer is asked again.
        if (signal.aborted || !(error instanceof CaliberError)) return;
        blame(attestor, error);
      })
      .finally(() => underWay.delete(attestor));
    underWay.set(attestor, asked);
    return asked;
  }

  function blame(attestor: Address, { code, message }: CaliberError): void {
    leftAloneUntil_ms.set(attestor, now_ms() + retry_ms);
    problems.clear(code === "COSIGNER_DOWN" ? "COSIGNER_WRONG" : "COSIGNER_DOWN", attestor);
    problems.set(code, attestor, message);
  }

  async function question({ attestor, url }: CoSigner, post: PostPayload, into: typeof held): Promise<void> {
    const { message, ...definition } = epochPostTypedData(deployment, post);
    // EIP-712 hashes what the types name and nothing else: what the chunk's hash is of goes along for whoever checks.
    const chunk = { transitions: post.transitions, liveness: post.liveness?.words ?? [] };
    const text = typedDataJson({ ...definition, message: { ...message, ...chunk } });
    const params = [attestor, text];
    const signature = await askSigner({
      kind: "co-signer",
      url,
      method: "eth_signTypedData",
      params,
      signal,
    });
    if (!(await attests(client, health, attestor, into.digest, signature))) {
      throw signerWrong("co-signer", "what it signed is not the attestor's signature of the post");
    }
    problems.clear("COSIGNER_DOWN", attestor);
    problems.clear("COSIGNER_WRONG", attestor);
    into.signatures.set(attestor, signature);
  }

  return {
    reject(refused) {
      const attestor = lower(refused);
      if (attestor === own || !coSigners.some((one) => one.attestor === attestor)) return false;
      held.signatures.delete(attestor);
      blame(
        attestor,
        signerWrong("co-signer", "the contract does not take its signature for the attestor's"),
      );
      return true;
    },
    async signaturesFor(post) {
      const definition = epochPostTypedData(deployment, post);
      const digest = hashTypedData(definition);
      if (held.digest !== digest) held = { digest, signatures: new Map() };
      const current = held;
      const [attestors, threshold] = await client.readContract({
        address: health,
        abi: caliberHealthAbi,
        functionName: "quorum",
      });
      const counted = new Set(attestors.map(lower));
      for (const { attestor } of coSigners) {
        if (counted.has(attestor)) problems.clear("COSIGNER_UNKNOWN", attestor);
        else problems.set("COSIGNER_UNKNOWN", attestor, "the contract does not have it as an attestor");
      }
      if (counted.has(own) && !current.signatures.has(own)) {
        current.signatures.set(own, await account.signTypedData(definition));
      }
      const signed = () => [...current.signatures].filter(([attestor]) => counted.has(attestor));
      const wanting = () => threshold - signed().length;
      const others = coSigners.filter(
        ({ attestor }) => counted.has(attestor) && !current.signatures.has(attestor),
      );
      const areTooFew = wanting() > others.length;
      if (wanting() > 0) {
        await enough(
          others.map((coSigner) => ask(coSigner, post, current)),
          () => wanting() <= 0,
        );
      }
      if (wanting() > 0) {
        const have = `${signed().length} of ${threshold} attestors have signed epoch ${post.epoch}`;
        const few = areTooFew ? ", and too few others are known (--co-signer)" : "";
        problems.set("CHAIN_QUORUM_MISSING", health, have + few);
        return null;
      }
      problems.clear("CHAIN_QUORUM_MISSING", health);
      return signed()
        .slice(0, threshold)
        .map(([attestor, signature]) => ({ attestor, signature }))
        .sort((a, b) => (a.attestor < b.attestor ? -1 : 1));
    },
  };
}

/** Waits until it is enough or all are through, whichever comes first. */
function enough(asked: Promise<void>[], isEnough: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    let left = asked.length;
    if (left === 0) resolve();
    for (const one of asked) {
      void one.then(() => {
        left -= 1;
        if (left === 0 || isEnough()) resolve();
      });
    }
  });
}

function lower(address: Address): Address {
  return address.toLowerCase() as Address;
}
