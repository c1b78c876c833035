import { get } from "node:http";
import { dcgmError } from "./dcgmErrors.js";

/** Sixteen GPUs in seven instances each with a hundred counters make some 5 MiB. */
const maxBytes = 16 * 1024 * 1024;

/**
 * What the exporter answers.
 *
 * @throws CaliberError DCGM_URL_INVALID, DCGM_UNREACHABLE, DCGM_TIMEOUT, DCGM_HTTP_STATUS, DCGM_TOO_LARGE
 */
export function fetchMetrics(url: string, timeout_ms: number, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    if (!URL.canParse(url) || new URL(url).protocol !== "http:") {
      reject(
        dcgmError("DCGM_URL_INVALID", "the exporter's address is no http: URL", { disposition: "user" }),
      );
      return;
    }
    const fail = (error: Error) => {
      clearTimeout(deadline);
      request.destroy();
      reject(error);
    };
    // One connection a scrape: an idle one held open would only go stale between two.
    const request = get(url, { agent: false, signal, headers: { accept: "text/plain" } }, (response) => {
      const { statusCode } = response;
      if (statusCode !== 200) {
        fail(dcgmError("DCGM_HTTP_STATUS", `the exporter answers with status ${statusCode}`));
        return;
      }
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxBytes)
          fail(dcgmError("DCGM_TOO_LARGE", `the exporter's answer passes ${maxBytes} bytes`));
        else chunks.push(chunk);
      });
      response.on("end", () => {
        clearTimeout(deadline);
        resolve(Buffer.concat(chunks).toString("utf8"));
      });
      response.on("error", (cause) => fail(unreachable(cause)));
    });
    // Over the whole answer: an exporter that sends a byte now and then is as silent as one that sends none.
    const deadline = setTimeout(
      () => fail(dcgmError("DCGM_TIMEOUT", `the exporter gave no whole answer within ${timeout_ms} ms`)),
      timeout_ms,
    );
    request.on("error", (cause) => fail(unreachable(cause)));
  });
}

const unreachable = (cause: Error) =>
  dcgmError("DCGM_UNREACHABLE", "no answer from dcgm-exporter", {
    cause,
    details: (cause as NodeJS.ErrnoException).code ?? "",
  });
