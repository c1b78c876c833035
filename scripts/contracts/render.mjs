import { compile } from "./compile.mjs";

const header = "// Generated from contracts-abi/src by scripts/contracts/generate.mjs. Do not edit.\n";

/**
 * The generated files.
 * @returns {Map<string, string>} text by path from the repository's root.
 */
export function render() {
  const files = new Map();
  for (const [path, { abi, bytecode }] of compile()) {
    const name = path.split("/").pop();
    const identifier = name[0].toLowerCase() + name.slice(1);
    files.set(
      `contracts-abi/abi/${path}.ts`,
      `${header}export const ${identifier}Abi = ${JSON.stringify(abi, null, 2)} as const;\n`,
    );
    files.set(
      `contracts-abi/bytecode/${path}.ts`,
      `${header}export const ${identifier}Bytecode =\n  "${bytecode}" as const;\n`,
    );
  }
  return files;
}
