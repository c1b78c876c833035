import type { HealthReading } from "../telemetrySource.js";
import { countOf, givenOf, textOf, wordsOf } from "./values.js";

/** No fabric manager has named a cluster (an HGX board's own NVLink needs none); RFC 9562 §5.9: no UUID at all. */
const nilUuid = "00000000-0000-0000-0000-000000000000";

/** NVLink fabric from its four values as printed; null when the driver told none of them. */
export function fabricOf(printed: {
  state: string | undefined;
  status: string | undefined;
  clique: string | undefined;
  cluster: string | undefined;
}): HealthReading["fabric"] {
  // Of a fabric, unlike a recovery action, `None` says nothing.
  const word = (text: string | undefined) => wordsOf(givenOf(text) ?? undefined, 48);
  const cluster = textOf(printed.cluster, 64)?.toLowerCase() ?? null;
  const fabric = {
    state: word(printed.state),
    status: word(printed.status),
    clique_id: countOf(printed.clique),
    cluster_uuid: cluster === nilUuid ? null : cluster,
  };
  return Object.values(fabric).every((value) => value === null) ? null : fabric;
}
