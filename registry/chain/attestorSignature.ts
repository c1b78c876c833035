import type { Address, Hex } from "viem";

/** One attestor's signature, as CaliberHealth and CaliberGate take it. */
export type AttestorSignature = { attestor: Address; signature: Hex };
