// Deploys the contracts to the chain behind an RPC and writes their addresses to a file, as the registry reads it. With
// a timelock and a router it deploys a gate for them too, beside the contracts that the file has already if it exists.
//
//   npm run build && node scripts/contracts/deploy.mjs --rpc URL --key-file FILE [--password-file FILE] --out FILE
//     [--epoch-s 3600] [--admin-delay-s 86400]
//     [--timelock ADDRESS --router ADDRESS [--accept healthy,watch] [--assurance 0|1|2|3] [--presence]]
import { parseArgs } from "node:util";
import { privateKeyToAccount } from "viem/accounts";
import { chainClient } from "../../dist/registry/chain/chainClient.js";
import { chainTransport } from "../../dist/registry/chain/chainTransport.js";
import { deployContracts } from "../../dist/registry/chain/deployContracts.js";
import { deployGate } from "../../dist/registry/chain/deployGate.js";
import { loadDeployment, saveDeployment } from "../../dist/registry/chain/deployment.js";
import { openWriterKey } from "../../dist/registry/chain/openWriterKey.js";

const { values } = parseArgs({
  options: {
    rpc: { type: "string" },
    "key-file": { type: "string" },
    "password-file": { type: "string" },
    out: { type: "string" },
    "epoch-s": { type: "string", default: "3600" },
    "admin-delay-s": { type: "string", default: "86400" },
    timelock: { type: "string" },
    router: { type: "string" },
    accept: { type: "string", default: "healthy" },
    assurance: { type: "string", default: "0" },
    presence: { type: "boolean", default: false },
  },
});
for (const name of ["rpc", "key-file", "out"]) {
  if (values[name] === undefined) throw new Error(`--${name} is missing`);
}
// All that can be wrong is said before money is spent.
const gate = gateOf(values);
if (gate !== null && loadDeployment(values.out)?.gate !== undefined) {
  throw new Error(
    `${values.out} has a gate: loans may name it. For another, give a copy of the file without it`,
  );
}

const transport = chainTransport(values.rpc);
const account = privateKeyToAccount(
  await openWriterKey({
    key_file: values["key-file"],
    password_file: values["password-file"] ?? null,
    chain_id: await chainClient(transport).getChainId(),
  }),
);
let deployment = loadDeployment(values.out);
if (deployment === null) {
  deployment = await deployContracts({
    transport,
    deployer: account,
    writer: account.address,
    admin_delay_s: Number(values["admin-delay-s"]),
    epoch_s: Number(values["epoch-s"]),
  });
  saveDeployment(values.out, deployment);
}
if (gate !== null) {
  deployment = await deployGate({ transport, admin: account, deployment, ...gate });
  saveDeployment(values.out, deployment);
}
console.log(JSON.stringify(deployment, null, 2));

function gateOf({ timelock, router, accept, assurance, presence }) {
  if (timelock === undefined && router === undefined) return null;
  for (const [name, address] of Object.entries({ timelock, router })) {
    if (!/^0x[0-9a-fA-F]{40}$/.test(address ?? "")) throw new Error(`--${name} is not an address`);
  }
  const accepted = accept.split(",");
  const wrong = accepted.find((state) => !["healthy", "watch", "impaired"].includes(state));
  if (wrong !== undefined) throw new Error(`--accept: no gate can accept "${wrong}"`);
  if (!/^[0-3]$/.test(assurance))
    throw new Error("--assurance is 1 for a key in a TPM, 2 for silicon, 3 for both, or 0");
  return { timelock, router, accepted, required_assurance: Number(assurance), needs_presence: presence };
}
