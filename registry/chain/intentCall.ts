import { type Address, encodeFunctionData, type Hex } from "viem";
import { caliberHealthAbi } from "../../contracts-abi/abi/CaliberHealth.js";
import { caliberLogAbi } from "../../contracts-abi/abi/CaliberLog.js";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import type { MintAuthorization } from "../../protocol/report/schema.js";
import { abiLeaf } from "./abiLeaf.js";
import type { AttestorSignature } from "./attestorSignature.js";
import type { Deployment } from "./deployment.js";
import { epochPost } from "./epochPost.js";
import type { IntentWork, MintPayload, PostPayload, ReplacePayload, RotatePayload } from "./intent.js";

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
    case "rotate":
      return { to: deployment.token, data: rotateData(work.payload) };
    case "replace":
      return { to: deployment.token, data: replaceData(work.payload) };
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
  const { qx, qy, r, s } = proofOf({ spki, signature });
  return encodeFunctionData({
    abi: caliberTokenAbi,
    functionName: "mint",
    args: [abiAuthorization(authorization), qx, qy, r, s],
  });
}

function rotateData({ rotation, old, next }: RotatePayload): Hex {
  const asked = {
    tokenId: BigInt(rotation.token_id),
    oldKeyHash: rotation.old_key_hash as Hex,
    newKeyHash: rotation.new_key_hash as Hex,
    evidence: rotation.evidence as Hex,
    assurance: rotation.assurance,
    nonce: BigInt(rotation.nonce),
    deadline: BigInt(rotation.deadline),
  };
  return encodeFunctionData({
    abi: caliberTokenAbi,
    functionName: "rotate",
    args: [asked, proofOf(old), proofOf(next)],
  });
}

function replaceData({ replacement, consent, ...signed }: ReplacePayload): Hex {
  const asked = {
    tokenId: BigInt(replacement.token_id),
    fingerprint: replacement.fingerprint as Hex,
    deviceKeyHash: replacement.device_key_hash as Hex,
    strongIdentity: replacement.strong_identity as Hex,
    weakIdentity: replacement.weak_identity as Hex,
    evidence: replacement.evidence as Hex,
    logOrigin: replacement.log_origin as Hex,
    headerHash: replacement.header_hash as Hex,
    assurance: replacement.assurance,
    predecessor: BigInt(replacement.predecessor),
    nonce: BigInt(replacement.nonce),
    deadline: BigInt(replacement.deadline),
  };
  return encodeFunctionData({
    abi: caliberTokenAbi,
    functionName: "replace",
    args: [asked, proofOf(signed), consent],
  });
}

/** The last 64 of a canonical SPKI's 91 bytes are the point's x and y. */
function proofOf({ spki, signature }: { spki: string; signature: string }) {
  return {
    qx: `0x${spki.slice(-128, -64)}`,
    qy: `0x${spki.slice(-64)}`,
    r: `0x${signature.slice(0, 64)}`,
    s: `0x${signature.slice(64)}`,
  } as const;
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
