import { describe, expect, it } from "vitest";
import type { XidEvent } from "../../protocol/report/schema.js";
import { noReading } from "../sources/noReading.js";
import type { GpuSample } from "../sources/telemetrySource.js";
import { isFault } from "./isFault.js";

const told = (severity: XidEvent["severity"], xid: number | null = 95): XidEvent => ({
  xid,
  first_ms: 1,
  last_ms: 1,
  count: 1,
  source: "kernel-log",
  detail: null,
  resolution: null,
  severity,
  rules: 1,
});
const sample = (xids: XidEvent[], presence: GpuSample["presence"] = "present"): GpuSample => ({
  uuid: "GPU-a",
  source: "nvml",
  supplied: [],
  xids,
  presence,
  at_ms: 1,
  at_mono_ms: 1,
  ...noReading,
});

describe("isFault by Xid", () => {
  it.each<[string, GpuSample | null, GpuSample, boolean]>([
    ["an impairing Xid", sample([]), sample([told("impaired")]), true],
    ["a lost GPU's Xid", sample([]), sample([told("lost", 79)]), true],
    ["a fall without an Xid", null, sample([told("lost", null)]), true],
    ["from the start", null, sample([told("impaired")]), true],
    ["one that only asks for a look", sample([]), sample([told("watch", 94)]), false],
    ["a program's own", sample([]), sample([told("info", 31)]), false],
    ["the same again", sample([told("impaired")]), sample([told("impaired")]), false],
    ["another beside it", sample([told("impaired")]), sample([told("impaired"), told("lost", 79)]), true],
    ["the same number, now worse", sample([told("watch", 145)]), sample([told("impaired", 145)]), true],
    ["an Xid of a GPU that is lost already", sample([], "lost"), sample([told("lost", 79)], "lost"), true],
    ["none any more", sample([told("impaired")]), sample([]), false],
  ])("%s", (_name, previous, current, fault) => expect(isFault(previous, current)).toBe(fault));
});
