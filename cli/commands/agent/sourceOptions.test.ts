import { describe, expect, it } from "vitest";
import { sourceSettings } from "./sourceOptions.js";

describe("sourceSettings", () => {
  it("takes everything that is there for real GPUs, and the simulator alone for simulated ones", () => {
    expect(sourceSettings({}, { simulated: false })).toEqual({
      source: "auto",
      nvidia_smi: "nvidia-smi",
      nvml: null,
      dcgm: "auto",
      kernel_log: "auto",
    });
    expect(sourceSettings({ "nvidia-smi": "/sim" }, { simulated: true })).toEqual({
      source: "nvidia-smi",
      nvidia_smi: "/sim",
      nvml: null,
      dcgm: "off",
      kernel_log: "off",
    });
  });

  it("does what it is told", () => {
    const told = {
      source: "nvml",
      nvml: "/lib/x.so",
      dcgm: "http://10.0.0.1:9400/metrics",
      "kernel-log": "/var/log/kern.log",
    };
    expect(sourceSettings(told, { simulated: true })).toMatchObject({
      source: "nvml",
      nvml: "/lib/x.so",
      dcgm: "http://10.0.0.1:9400/metrics",
      kernel_log: "/var/log/kern.log",
    });
    expect(sourceSettings({ dcgm: "off", "kernel-log": "journald" }, { simulated: false })).toMatchObject({
      dcgm: "off",
      kernel_log: "journald",
    });
  });

  it.each([
    { source: "dcgm" },
    { dcgm: "localhost:9400" },
    { dcgm: "https://x/metrics" },
    { "kernel-log": "kern.log" },
  ])("refuses %j", (values) => {
    expect(() => sourceSettings(values, { simulated: false })).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID" }),
    );
  });
});
