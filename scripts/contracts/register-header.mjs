// Registers a header (a JSON file with the members that docs/contracts.md names) and prints its hash, which
// `caliber registry run --title-header` takes.
//
//   npm run build && node scripts/contracts/register-header.mjs --rpc URL --deployment FILE --key-file FILE
//     [--password-file FILE] --header FILE
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { privateKeyToAccount } from "viem/accounts";
import { chainTransport } from "../../dist/registry/chain/chainTransport.js";
import { openWriterKey } from "../../dist/registry/chain/openWriterKey.js";
import { parseTitleHeader } from "../../dist/registry/chain/parseTitleHeader.js";
import { registerHeader } from "../../dist/registry/chain/registerHeader.js";
import { requireDeployment } from "../../dist/registry/chain/requireDeployment.js";

const { values } = parseArgs({
  options: {
    rpc: { type: "string" },
    deployment: { type: "string" },
    "key-file": { type: "string" },
    "password-file": { type: "string" },
    header: { type: "string" },
  },
});
for (const name of ["rpc", "deployment", "key-file", "header"]) {
  if (values[name] === undefined) throw new Error(`--${name} is missing`);
}
// All that can be wrong is said before money is spent.
const header = parseTitleHeader(readFileSync(values.header, "utf8"));
const deployment = requireDeployment(values.deployment);
const key = await openWriterKey({
  key_file: values["key-file"],
  password_file: values["password-file"] ?? null,
  chain_id: deployment.chain_id,
});
const registrar = privateKeyToAccount(key);
console.log(await registerHeader({ transport: chainTransport(values.rpc), registrar, deployment, header }));
