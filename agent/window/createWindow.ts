import { CaliberError } from "../../protocol/errors.js";
import type { GpuSample } from "../sources/telemetrySource.js";

/** The samples of one GPU since `start_mono_ms`, oldest first. */
export type Window = {
  readonly uuid: string;
  readonly start_mono_ms: number;
  /** Nominal time between two samples. */
  readonly interval_ms: number;
  readonly samples: readonly GpuSample[];
  /** @throws CaliberError WINDOW_SAMPLE_FOREIGN, WINDOW_SAMPLE_EARLY */
  add(sample: GpuSample): void;
};

export type WindowErrorCode = "WINDOW_SAMPLE_FOREIGN" | "WINDOW_SAMPLE_EARLY" | "WINDOW_ENDS_EARLY";

/** Opens a window. It begins where the one before it ended, so that together they leave no time out. */
export function createWindow(of: { uuid: string; start_mono_ms: number; interval_ms: number }): Window {
  const samples: GpuSample[] = [];
  return {
    ...of,
    samples,
    add(sample) {
      if (sample.uuid !== of.uuid) {
        throw new CaliberError<WindowErrorCode>("WINDOW_SAMPLE_FOREIGN", "the sample is of another GPU", {
          disposition: "internal",
        });
      }
      if (sample.at_mono_ms < (samples.at(-1)?.at_mono_ms ?? of.start_mono_ms)) {
        throw new CaliberError<WindowErrorCode>("WINDOW_SAMPLE_EARLY", "the sample is older than its place", {
          disposition: "internal",
        });
      }
      samples.push(sample);
    },
  };
}
