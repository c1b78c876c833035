import { readFileSync } from "node:fs";
import { Ajv, type ErrorObject } from "ajv";
import { CaliberError } from "../../protocol/errors.js";
import { configSchema } from "./configSchema.js";
import type { Given, SettingValue } from "./given.js";
import type { Section } from "./setting.js";
import { settingNames } from "./settingNames.js";
import { settings } from "./settings.js";

/**
 * The settings that a file gives, by section.
 *
 * @throws CaliberError CONFIG_UNREADABLE; CONFIG_MALFORMED when it is not JSON; CONFIG_INVALID with the path of all that
 *   is wrong. None tells what the file says: it may hold a secret.
 */
export function readConfigFile(path: string): Record<Section, Map<string, Given>> {
  const content = parse(path, read(path));
  const validate = new Ajv({ strict: true, allErrors: true }).compile(configSchema());
  if (!validate(content)) throw invalid(path, validate.errors ?? []);
  const file = content as Partial<Record<Section, Record<string, SettingValue>>>;
  const ofSection = (section: Section) =>
    new Map(
      Object.keys(settings[section]).flatMap((name): [string, Given][] => {
        const member = settingNames.member(name);
        const value = file[section]?.[member];
        return value === undefined
          ? []
          : [[name, { value, from: "file", at: `/${section}/${member} in ${path}` }]];
      }),
    );
  return { agent: ofSection("agent"), registry: ofSection("registry"), up: ofSection("up") };
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown";
    throw new CaliberError("CONFIG_UNREADABLE", `the configuration ${path} cannot be read (${code})`, {
      cause,
      disposition: "user",
    });
  }
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser's own words quote the file, so that they are not passed on; where it stopped is.
    const position = /at position ([0-9]+)/.exec((error as Error).message)?.[1];
    const line = position === undefined ? null : text.slice(0, Number(position)).split("\n").length;
    throw new CaliberError(
      "CONFIG_MALFORMED",
      `the configuration ${path} is not JSON${line === null ? "" : `: see line ${line}`}`,
      { disposition: "user" },
    );
  }
}

function invalid(path: string, errors: readonly ErrorObject[]): CaliberError {
  const [first, ...others] = errors.map(({ instancePath, keyword, message, params }) =>
    keyword === "additionalProperties"
      ? `${instancePath}/${pointer(String(params.additionalProperty))} is no setting`
      : `${instancePath || "the whole"} ${message}`,
  );
  return new CaliberError("CONFIG_INVALID", `the configuration ${path}: ${first}`, {
    ...(others.length > 0 && { details: others.join("\n  ") }),
    disposition: "user",
  });
}

/** A member's name in a JSON Pointer (RFC 6901 section 3). */
const pointer = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");
