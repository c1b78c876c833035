import type { Address } from "viem";
import { scheduleError } from "./scheduleError.js";

export type InterestModel = "simple-2.0" | "amortized-2.0";
export type FeeModel = "ratio-1.0" | "absolute-1.0";

/** Which arithmetic stands behind a model's address; keys in lower case. A proxy's could change: it is the caller's word. */
export type LoanModels = {
  interest: ReadonlyMap<Address, InterestModel>;
  fee: ReadonlyMap<Address, FeeModel>;
};

/** USD.AI's models on Arbitrum One (deployments/arbitrum.json of the published contracts, July 2026). */
export const arbitrumModels: LoanModels = {
  interest: new Map<Address, InterestModel>([
    ["0xf97892dcce1318480baf8765b4a8ea7b6048c1e1", "simple-2.0"],
    ["0x23ea0944271c0a69d9816490218af1e13967bd87", "amortized-2.0"],
  ]),
  fee: new Map<Address, FeeModel>([
    ["0xa10b9db24220266f282dffac538937852fd8e1d3", "ratio-1.0"],
    ["0x9372f83b48d36d53b224ce0c254adca0318c190d", "absolute-1.0"],
  ]),
};

/** @throws CaliberError MODEL_UNKNOWN */
export function modelAt<Model>(models: ReadonlyMap<Address, Model>, address: Address): Model {
  const model = models.get(address.toLowerCase() as Address);
  if (model === undefined) throw scheduleError("MODEL_UNKNOWN", `nothing is known of the model ${address}`);
  return model;
}
