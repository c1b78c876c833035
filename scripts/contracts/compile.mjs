import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** The contracts whose ABI and bytecode are committed, by their path in contracts-abi/src. */
const contractPaths = [
  "CaliberToken",
  "CaliberHealth",
  "CaliberLog",
  "CaliberGate",
  "testing/CollateralTimelockStandIn",
  "testing/LoanRouterV2StandIn",
];

/** Must say what foundry.toml says. */
const settings = {
  evmVersion: "osaka",
  optimizer: { enabled: true, runs: 200 },
  metadata: { bytecodeHash: "none" },
  remappings: ["@openzeppelin/contracts/=node_modules/@openzeppelin/contracts/"],
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
};

/** Source text by its path from the repository's root, as the compiler asks for it. */
function findImport(path) {
  try {
    return { contents: readFileSync(join(root, path), "utf8") };
  } catch (cause) {
    return { error: String(cause) };
  }
}

/**
 * Compiles the contracts with solc from npm.
 * @returns {Map<string, { abi: unknown[], bytecode: `0x${string}` }>} by path in contracts-abi/src, without its ending;
 *   creation bytecode.
 * @throws {Error} with the compiler's own messages.
 */
export function compile() {
  const solc = require("solc");
  const sources = Object.fromEntries(
    contractPaths.map((name) => {
      const path = `contracts-abi/src/${name}.sol`;
      return [path, { content: readFileSync(join(root, path), "utf8") }];
    }),
  );
  const input = JSON.stringify({ language: "Solidity", sources, settings });
  const output = JSON.parse(solc.compile(input, { import: findImport }));
  const errors = (output.errors ?? []).filter((error) => error.severity === "error");
  if (errors.length > 0) throw new Error(errors.map((error) => error.formattedMessage).join("\n"));
  return new Map(
    contractPaths.map((path) => {
      const contract = output.contracts[`contracts-abi/src/${path}.sol`][path.split("/").pop()];
      return [path, { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` }];
    }),
  );
}
