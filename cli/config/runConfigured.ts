import type { Io } from "../io.js";
import { configure, type OptionTable } from "./configure.js";
import { settings } from "./settings.js";
import { withOrigin } from "./withOrigin.js";

/** A command of the binary: its flags, and what it does with them. */
export type Command = { options: OptionTable; run(argv: string[], io: Io): Promise<number> };

/**
 * Runs a command with its part of the configuration. One of a part that has none, such as `evidence verify`, reads none.
 *
 * @throws CaliberError as configure, and as the command, told where a value stands that no flag gave
 */
export async function runConfigured(
  name: string,
  command: Command,
  argv: string[],
  io: Io,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  if (!Object.hasOwn(settings, name.split(" ")[0]!)) return command.run(argv, io);
  const configured = await configure(name, command.options, argv, env);
  try {
    return await command.run(configured.argv, io);
  } catch (error) {
    throw withOrigin(error, configured.given);
  }
}
