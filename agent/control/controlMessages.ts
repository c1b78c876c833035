/** What a person asks of a running agent over its control socket: one JSON line each way. */
export type ControlRequest =
  | {
      type: "pause";
      /** One GPU, or null for all. */
      gpu: string | null;
      from_ms: number;
      until_ms: number;
      reason: string;
    }
  | { type: "rotate"; gpu: string | null }
  /** For good, so never for all at once. */
  | { type: "retire"; gpu: string; reason: string };

export type ControlAnswer = { ok: true; devices: number } | { ok: false; code: string; message: string };
