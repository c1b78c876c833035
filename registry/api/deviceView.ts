import type { DeviceFold } from "../health/deviceFold.js";
import { assuranceOf, subjectOf } from "../health/raise.js";
import { type Usage, type UsageRange, type UsageReader, usageRanges } from "../store/usage.js";
import { tokenView } from "./tokenView.js";

/** A device as the API tells it. What the host declares, what the device reports, and what the registry derives. */
export function deviceView(fold: DeviceFold, usage: UsageReader, now_ms: number) {
  const ranges = {} as Record<UsageRange, Usage>;
  for (const range of Object.keys(usageRanges) as UsageRange[]) ranges[range] = usage(fold, range, now_ms);
  return {
    device: fold.device,
    subject: subjectOf(fold),
    simulated: fold.simulated,
    declared: {
      host: fold.host,
      label: fold.label,
      uuid: fold.inventory?.uuid ?? null,
      model: fold.inventory?.name ?? null,
      serial: fold.inventory?.serial ?? null,
    },
    reported: fold.latest,
    derived: {
      state: fold.state,
      cause: fold.cause,
      since_ms: fold.since_ms,
      evidence: fold.evidence,
      last_verified_ms: fold.fresh_ms,
      enrolled_ms: fold.enrolled_ms,
      head_seq: fold.head?.seq ?? null,
      missing_reports: fold.missing,
      pause: fold.pause,
      implausible: [...fold.implausible, ...(fold.inventory?.implausible ?? [])],
      last_xid: fold.xid === null ? null : { ...fold.xid.worst, statement: fold.xid.statement },
      usage: ranges,
    },
    assurance: assuranceOf(fold),
    token: fold.token === null ? null : tokenView(fold.token),
  };
}

export type DeviceView = ReturnType<typeof deviceView>;
