import { type Address, encodeFunctionData, type Hex } from "viem";
import { caliberHealthAbi } from "../../contracts-abi/abi/CaliberHealth.js";
import { caliberLogAbi } from "../../contracts-abi/abi/CaliberLog.js";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import type { MintAuthorization } from "../../protocol/report/schema.js";
import { abiLeaf } from "./abiLeaf.js";
import type { AttestorSignature } from "./attestorSignature.js";
import type { Deployment } from "./deployment.js";
import { epochPost } from "./epochPost.js";
import type { IntentWork, MintPayload, PostPayload } from "./intent.js";

export type IntentCall = { to: Address; data: Hex };

/** The one call that makes an intent true. `attested` are the attestors' signatures of a post, and nothing else's. */
export function intentCall(
  deployment: Deployment,
  work: IntentWork,
  attested: readonly AttestorSignature[],
): IntentCall {
  switch (work.kind) {
    case "mint":
      return { to: deployment.token, data: mintData(work.payload) };
    case "amend": {
      const { token_id, evidence, assurance } = work.payload;
      const args = [BigInt(token_id), evidence, assurance] as const;
      return {
        to: deployment.token,
        data: encodeFunctionData({ abi: caliberTokenAbi, functionName: "amend", args }),
      };
    }
    case "anchor": {
      const { origin, size, root } = work.payload;
      const args = [origin, BigInt(size), root] as const;
      return {
        to: deployment.log,
        data: encodeFunctionData({ abi: caliberLogAbi, functionName: "anchor", args }),
      };
    }
    case "post":
      return { to: deployment.health, data: postData(work.payload, attested) };
  }
}

function postData(payload: PostPayload, attested: readonly AttestorSignature[]): Hex {
  return encodeFunctionData({
    abi: caliberHealthAbi,
    functionName: "post",
    args: [
      epochPost(payload),
      payload.transitions.map(abiLeaf),
      (payload.liveness?.words ?? []).map(BigInt),
      attested,
    ],
  });
}

function mintData({ spki, authorization, signature }: MintPayload): Hex {
  // The last 64 of a canonical SPKI's 91 bytes are the point's x and y.
  const x: Hex = `0x${spki.slice(-128, -64)}`;
  const y: Hex = `0x${spki.slice(-64)}`;
  const r: Hex = `0x${signature.slice(0, 64)}`;
  const s: Hex = `0x${signature.slice(64)}`;
  return encodeFunctionData({
    abi: caliberTokenAbi,
    functionName: "mint",
    args: [abiAuthorization(authorization), x, y, r, s],
  });
}

/** The schema's patterns have made sure of every member's form. */
function abiAuthorization(auth: MintAuthorization) {
  return {
    recipient: auth.recipient as Address,
    deviceKeyHash: auth.device_key_hash as Hex,
    strongIdentity: auth.strong_identity as Hex,
    weakIdentity: auth.weak_identity as Hex,
    evidence: auth.evidence as Hex,
    logOrigin: auth.log_origin as Hex,
    headerHash: auth.header_hash as Hex,
    assurance: auth.assurance,
    predecessor: BigInt(auth.predecessor),
    nonce: BigInt(auth.nonce),
    deadline: BigInt(auth.deadline),
  };
}
