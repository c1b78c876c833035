import { nvmlLibrary } from "./createNvmlSource.js";
import { startThread } from "./startThread.js";

export type NvmlDetection =
  | { found: true; gpus: number }
  /** `reason` is one line for a person; `code` one of the NVML_* codes. */
  | { found: false; code: string; reason: string };

/**
 * Is there a working NVML with at least one GPU on this machine? The library is loaded and left again on a thread, so that
 * it neither stays in this process nor can hold it up.
 */
export async function detectNvml(
  options: { library?: string; timeout_ms?: number } = {},
): Promise<NvmlDetection> {
  const { library = nvmlLibrary, timeout_ms = 10_000 } = options;
  let waiting: NodeJS.Timeout | undefined;
  let stop: (() => Promise<void>) | undefined;
  const detection = await new Promise<NvmlDetection>((resolve) => {
    const absent = (code: string, reason: string) => resolve({ found: false, code, reason });
    const thread = startThread(
      { library, known: [], xid_events: false },
      {
        onAnswer(answer) {
          if (!answer.ok) return absent(answer.error.code, describe(answer.error));
          if (answer.rows.length > 0) return resolve({ found: true, gpus: answer.rows.length });
          const [problem] = answer.problems;
          if (problem !== undefined) return absent(problem.code, describe(problem));
          absent("NVML_NO_DEVICES", "NVML finds no GPU");
        },
        onEnd: (error) =>
          absent(error.code, describe({ message: error.message, details: error.details ?? null })),
      },
    );
    stop = () => thread.stop();
    waiting = setTimeout(
      () => absent("NVML_SILENT", `NVML has not answered for ${timeout_ms} ms`),
      timeout_ms,
    );
    thread.ask({ ask: "round", full: false, reopen: false });
  });
  clearTimeout(waiting);
  await stop?.();
  return detection;
}

const describe = ({ message, details }: { message: string; details: string | null }) =>
  details === null ? message : `${message}: ${details}`;
