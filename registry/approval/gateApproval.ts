import { type Address, encodeAbiParameters, type Hex, hashTypedData, type LocalAccount } from "viem";
import type { AttestorSignature } from "../chain/attestorSignature.js";

/** What attestors approve (CaliberGate's struct): tokens in the loan's order, each with its fingerprint. */
export type GateApproval = {
  loan: Hex;
  token_ids: bigint[];
  fingerprints: Hex[];
  /** Last second at which it may be used. */
  deadline_s: number;
};

export type GateDomain = { chain_id: number; gate: Address; router: Address };

const gateApprovalTypes = {
  GateApproval: [
    { name: "digest", type: "bytes32" },
    { name: "tokenIds", type: "uint256[]" },
    { name: "fingerprints", type: "bytes32[]" },
    { name: "deadline", type: "uint64" },
  ],
} as const;

/** The router's EIP-712 digest of LoanTermsApproval(loanTermsHash): what the router asks the gate about. */
export function loanDigest({ chain_id, router }: GateDomain, loan: Hex): Hex {
  return hashTypedData({
    domain: {
      name: "USDai Loan Router V2",
      version: "1.0",
      chainId: chain_id,
      verifyingContract: router,
    },
    types: { LoanTermsApproval: [{ name: "loanTermsHash", type: "bytes32" }] },
    primaryType: "LoanTermsApproval",
    message: { loanTermsHash: loan },
  });
}

/** An attestor's EIP-712 signature over an approval, in the gate's domain. */
export async function signApproval(
  account: LocalAccount,
  domain: GateDomain,
  approval: GateApproval,
): Promise<AttestorSignature> {
  const signature = await account.signTypedData({
    domain: {
      name: "CaliberGate",
      version: "1",
      chainId: domain.chain_id,
      verifyingContract: domain.gate,
    },
    types: gateApprovalTypes,
    primaryType: "GateApproval",
    message: {
      digest: loanDigest(domain, approval.loan),
      tokenIds: approval.token_ids,
      fingerprints: approval.fingerprints,
      deadline: BigInt(approval.deadline_s),
    },
  });
  return { attestor: account.address, signature };
}

/** The approval as CaliberGate's ABI has it. */
export const abiApproval = ({ loan, token_ids, fingerprints, deadline_s }: GateApproval) => ({
  loanTermsHash: loan,
  tokenIds: token_ids,
  fingerprints,
  deadline: BigInt(deadline_s),
});

const signatureAbi = [
  {
    type: "tuple",
    components: [
      { name: "loanTermsHash", type: "bytes32" },
      { name: "tokenIds", type: "uint256[]" },
      { name: "fingerprints", type: "bytes32[]" },
      { name: "deadline", type: "uint64" },
    ],
  },
  {
    type: "tuple[]",
    components: [
      { name: "attestor", type: "address" },
      { name: "signature", type: "bytes" },
    ],
  },
] as const;

/**
 * What `originate` takes as the gate's signature. The attestors have signed the very same approval; the contract wants
 * them in ascending order.
 */
export function gateSignature(approval: GateApproval, signatures: AttestorSignature[]): Hex {
  const ordered = [...signatures].sort((a, b) =>
    a.attestor.toLowerCase() < b.attestor.toLowerCase() ? -1 : 1,
  );
  return encodeAbiParameters(signatureAbi, [abiApproval(approval), ordered]);
}
