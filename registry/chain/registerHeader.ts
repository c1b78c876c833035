import {
  encodeAbiParameters,
  encodeFunctionData,
  type Hex,
  keccak256,
  type LocalAccount,
  type Transport,
} from "viem";
import { caliberTokenAbi } from "../../contracts-abi/abi/CaliberToken.js";
import { chainClient } from "./chainClient.js";
import { checkDeployment } from "./checkDeployment.js";
import type { Deployment } from "./deployment.js";
import type { TitleHeader } from "./parseTitleHeader.js";
import { sendFromAccount } from "./sendFromAccount.js";

const headerAbi = {
  type: "tuple",
  components: [
    { name: "tokenIssuer", type: "string" },
    { name: "assetHolder", type: "string" },
    { name: "storedLocation", type: "string" },
    { name: "terms", type: "string" },
    { name: "jurisdiction", type: "string" },
    { name: "valueCurrency", type: "string" },
    { name: "declaredValue", type: "uint256" },
  ],
} as const;

/**
 * Puts a header on chain, where titles name it by its hash, which is returned. Registered before, it costs gas and changes
 * nothing.
 *
 * @throws CaliberError CHAIN_WRONG_CHAIN, CHAIN_CONTRACTS_MISSING; viem's errors when the account is no registrar, or the
 *   node does not answer
 */
export async function registerHeader(options: {
  transport: Transport;
  registrar: LocalAccount;
  deployment: Deployment;
  header: TitleHeader;
}): Promise<Hex> {
  const { transport, registrar, deployment, header } = options;
  const client = chainClient(transport);
  await checkDeployment(client, deployment);
  const args = [
    {
      tokenIssuer: header.token_issuer,
      assetHolder: header.asset_holder,
      storedLocation: header.stored_location,
      terms: header.terms,
      jurisdiction: header.jurisdiction,
      valueCurrency: header.value_currency,
      declaredValue: BigInt(header.declared_value),
    },
  ] as const;
  const data = encodeFunctionData({ abi: caliberTokenAbi, functionName: "registerHeader", args });
  await sendFromAccount(client, registrar, { to: deployment.token, data });
  return keccak256(encodeAbiParameters([headerAbi], args));
}
