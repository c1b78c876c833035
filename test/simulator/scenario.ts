import { readFileSync } from "node:fs";
import { CaliberError } from "../../protocol/errors.js";
import { models } from "./models.js";

export type ScenarioErrorCode = "SCENARIO_UNREADABLE" | "SCENARIO_INVALID";

export const scenarioActions = [
  "lose",
  "vanish",
  "renumber",
  "ecc_uncorrectable",
  "idle",
  "dress_up",
  "mig",
  "hang",
  "driver_missing",
  "silence",
] as const;
export type ScenarioAction = (typeof scenarioActions)[number];

export type ScenarioHost = { name: string; gpus: number; model: string };
export type ScenarioEvent = {
  at_s: number;
  /** Null: to the end. */
  until_s: number | null;
  host: string;
  /** Indices; null means every GPU of the host. */
  gpus: readonly number[] | null;
  do: ScenarioAction;
  /** `lose`: how the driver speaks of the lost GPU. */
  as: "leaves" | "handle";
  /** `ecc_uncorrectable`: how many errors. */
  errors: number;
};
export type Scenario = { name: string; hosts: readonly ScenarioHost[]; events: readonly ScenarioEvent[] };

/**
 * Reads a scenario file (format: fixtures/scenarios/README.md).
 *
 * @throws CaliberError SCENARIO_UNREADABLE, SCENARIO_INVALID with the path of what is wrong
 */
export function loadScenario(path: string): Scenario {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new CaliberError<ScenarioErrorCode>("SCENARIO_UNREADABLE", `cannot read scenario ${path}`, {
      cause,
      disposition: "user",
      details: (cause as Error).message,
    });
  }
  return parseScenario(json);
}

/** @throws CaliberError SCENARIO_INVALID */
export function parseScenario(json: unknown): Scenario {
  const top = objectAt(json, "", ["name", "hosts", "events"]);
  const hosts = listAt(top.hosts, "/hosts").map((host, index) => hostAt(host, `/hosts/${index}`));
  if (hosts.length === 0) invalid("/hosts", "must name at least one host");
  if (new Set(hosts.map(({ name }) => name)).size < hosts.length) invalid("/hosts", "has a name twice");
  const events = listAt(top.events ?? [], "/events").map((event, index) =>
    eventAt(event, `/events/${index}`, hosts),
  );
  return { name: nameAt(top.name, "/name"), hosts, events };
}

function hostAt(json: unknown, at: string): ScenarioHost {
  const host = objectAt(json, at, ["name", "gpus", "model"]);
  const model = host.model;
  if (typeof model !== "string" || !Object.hasOwn(models, model)) {
    return invalid(`${at}/model`, `must be one of ${Object.keys(models).join(", ")}`);
  }
  return { name: nameAt(host.name, `${at}/name`), gpus: intAt(host.gpus, `${at}/gpus`, 1, 16), model };
}

function eventAt(json: unknown, at: string, hosts: readonly ScenarioHost[]): ScenarioEvent {
  const event = objectAt(json, at, ["at_s", "until_s", "host", "gpu", "gpus", "do", "as", "errors"]);
  const host = hosts.find(({ name }) => name === event.host);
  if (host === undefined) return invalid(`${at}/host`, "must name one of the hosts");
  const action = scenarioActions.find((known) => known === event.do);
  if (action === undefined) return invalid(`${at}/do`, `must be one of ${scenarioActions.join(", ")}`);
  if (event.gpu !== undefined && event.gpus !== undefined)
    invalid(at, "names both gpu and gpus: give one of them");
  const listed = event.gpu !== undefined ? [event.gpu] : event.gpus;
  const gpus =
    listed === undefined
      ? null
      : listAt(listed, `${at}/gpus`).map((gpu, index) => intAt(gpu, `${at}/gpus/${index}`, 0, host.gpus - 1));
  const at_s = secondsAt(event.at_s, `${at}/at_s`);
  const until_s = event.until_s === undefined ? null : secondsAt(event.until_s, `${at}/until_s`);
  if (until_s !== null && until_s <= at_s) invalid(`${at}/until_s`, "must be after at_s");
  const how = event.as ?? "leaves";
  if (how !== "leaves" && how !== "handle") return invalid(`${at}/as`, 'must be "leaves" or "handle"');
  return {
    at_s,
    until_s,
    host: host.name,
    gpus,
    do: action,
    as: how,
    errors: event.errors === undefined ? 3 : intAt(event.errors, `${at}/errors`, 1, 1_000_000),
  };
}

function invalid(at: string, what: string): never {
  throw new CaliberError<ScenarioErrorCode>("SCENARIO_INVALID", `scenario: ${at || "the file"} ${what}`, {
    disposition: "user",
  });
}

function objectAt(json: unknown, at: string, allowed: readonly string[]): Record<string, unknown> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return invalid(at, "must be an object");
  }
  for (const key of Object.keys(json)) {
    if (!allowed.includes(key)) invalid(`${at}/${key}`, `is not known here (${allowed.join(", ")})`);
  }
  return json as Record<string, unknown>;
}

const listAt = (json: unknown, at: string): unknown[] =>
  Array.isArray(json) ? json : invalid(at, "must be a list");

const nameAt = (json: unknown, at: string): string =>
  typeof json === "string" && /^[a-z0-9-]{1,64}$/.test(json)
    ? json
    : invalid(at, "must be 1 to 64 of a-z, 0-9 and -");

const intAt = (json: unknown, at: string, minimum: number, maximum: number): number =>
  Number.isSafeInteger(json) && (json as number) >= minimum && (json as number) <= maximum
    ? (json as number)
    : invalid(at, `must be an integer from ${minimum} to ${maximum}`);

const secondsAt = (json: unknown, at: string): number =>
  typeof json === "number" && Number.isFinite(json) && json >= 0
    ? json
    : invalid(at, "must be a number of seconds, 0 or more");
