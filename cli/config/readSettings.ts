import type { Given } from "./given.js";
import { readEnvironment } from "./readEnvironment.js";
import type { Section } from "./setting.js";

/**
 * What file and environment give, the environment being the stronger.
 *
 * @param file null: the one that CALIBER_CONFIG names, if any
 * @throws CaliberError as readEnvironment and readConfigFile
 */
export async function readSettings(
  file: string | null,
  env: NodeJS.ProcessEnv,
): Promise<{ file: string | null; given: Record<Section, Map<string, Given>> }> {
  const path = file ?? (env.CALIBER_CONFIG || null);
  const environment = readEnvironment(env);
  if (path === null) return { file: path, given: environment };
  // The validator is loaded for those who have a file: an agent without one does not carry it for this.
  const { readConfigFile } = await import("./readConfigFile.js");
  const fromFile = readConfigFile(path);
  const both = (section: Section) => new Map([...fromFile[section], ...environment[section]]);
  return { file: path, given: { agent: both("agent"), registry: both("registry"), up: both("up") } };
}
