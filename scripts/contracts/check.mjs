// Fails when the committed ABIs or bytecode are not what contracts-abi/src compiles to.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { render } from "./render.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const faults = [];

for (const [path, text] of render()) {
  const file = join(root, path);
  if (!existsSync(file)) faults.push(`${path} is missing`);
  else if (readFileSync(file, "utf8") !== text) faults.push(`${path} differs from its source`);
}

if (faults.length > 0) {
  for (const fault of faults) console.error(fault);
  console.error("Run `node scripts/contracts/generate.mjs` and commit what it writes.");
  process.exitCode = 1;
} else {
  console.log("ABIs and bytecode match contracts-abi/src");
}
