import type { HostFacts } from "../../protocol/report/schema.js";
import { agentName } from "../runtime/agentName.js";
import { problemOf } from "./problemOf.js";
import type { OneReading } from "./readOnce.js";
import { scannedGpu } from "./scannedGpu.js";
import type { ScanResult } from "./scanResult.js";

/** What a live source read, as a scan tells it. GPUs that the inventory lacks but that gave samples are told as well. */
export function scanLive(reading: OneReading, host: HostFacts | null, at_ms: number): ScanResult {
  const { source, inventory, samples, problems } = reading;
  const shown = new Map(inventory.map((body) => [body.uuid, { ...body, host }]));
  const uuids = new Set([...shown.keys(), ...samples.map(({ uuid }) => uuid)]);
  return {
    v: 1,
    agent: agentName,
    at_ms,
    from: "live",
    source,
    host,
    gpus: [...uuids].map((uuid) =>
      scannedGpu(
        uuid,
        shown.get(uuid) ?? null,
        samples.filter((sample) => sample.uuid === uuid),
      ),
    ),
    problems: distinct(problems.map(problemOf)),
  };
}

/** A source that tries twice within a scan tells its problem twice. */
function distinct(problems: ScanResult["problems"]): ScanResult["problems"] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}
