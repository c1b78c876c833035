import type { CaliberEvent } from "../../protocol/events/healthEvent.js";
import type { DeviceView } from "../../registry/api/deviceView.js";
import { labelOf, tokenOf } from "../deviceTable.js";

/** One event in one line: when, which GPU, from what to what, and why. */
export function eventLine(event: CaliberEvent, devices: readonly DeviceView[]): string {
  const { data } = event;
  const known = devices.find(({ device }) => device === data.device);
  const host = known === undefined ? `${data.host}${data.simulated ? " (sim)" : ""}` : labelOf(known);
  const who = `${event.time.slice(11, 19)}Z  ${host}  ${data.device.slice(0, 8)}  ${known === undefined ? "-" : tokenOf(known)}`;
  if ("assured_until_ms" in data) {
    const until_ms = data.assured_until_ms;
    return `${who}  silicon ${until_ms === null ? "counts no longer" : `counts until ${new Date(until_ms).toISOString()}`}`;
  }
  if (!("current" in data)) return `${who}  finding ${data.code}: ${data.text}`;
  const bound = data.threshold === null ? "" : ` (${data.value}, bound ${data.threshold})`;
  const why = data.cause === "none" ? "" : `: ${data.cause}${bound}`;
  return `${who}  ${data.previous} -> ${data.current}${why}`;
}
