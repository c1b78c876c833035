import { keccak256 } from "viem";
import type { Fees } from "./feesFor.js";
import type { Intent, SignedTx } from "./intent.js";
import type { IntentCall } from "./intentCall.js";
import type { WriterContext } from "./writerContext.js";

type Ports = Pick<WriterContext, "account" | "deployment" | "store" | "now_ms">;

/** Signs the intent's call and stores it: nothing is ever sent that is not on disk. */
export async function signIntent(
  { account, deployment, store, now_ms }: Ports,
  intent: Intent,
  { call, nonce, gas, fees }: { call: IntentCall; nonce: number; gas: bigint; fees: Fees },
): Promise<SignedTx> {
  const raw = await account.signTransaction({
    type: "eip1559",
    chainId: deployment.chain_id,
    nonce,
    ...call,
    value: 0n,
    gas,
    maxFeePerGas: fees.max_fee_wei,
    maxPriorityFeePerGas: fees.max_priority_fee_wei,
  });
  const tx: SignedTx = { hash: keccak256(raw), raw, nonce, gas, ...fees, signed_ms: now_ms() };
  store.sign(intent.id, tx);
  return tx;
}
