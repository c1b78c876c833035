// Writes contracts-abi/abi and contracts-abi/bytecode from contracts-abi/src.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { render } from "./render.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

for (const [path, text] of render()) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  console.log(`${path} written`);
}
