import { request } from "node:https";
import { CaliberError } from "../../protocol/errors.js";

export type RegistryRequest = {
  /** Base URL of the enrolment listener. */
  url: string;
  path: string;
  /** Sent as JSON by POST; GET without it. */
  body?: unknown;
  /** PEM that the server must answer to; null takes any server, for what is checked by other means. */
  ca: string | null;
};

const timeout_ms = 15_000;
const answer_bytes = 64 * 1024;

/**
 * Asks the enrolment listener. Its refusals keep their own codes.
 *
 * @throws CaliberError REGISTRY_UNREACHABLE, REGISTRY_ANSWER_MALFORMED, or the code of the refusal
 */
export async function requestRegistry({ url, path, body, ca }: RegistryRequest): Promise<string> {
  const { status, text } = await send(new URL(path, url), body, ca);
  if (status === 200) return text;
  throw refusalOf(status, text);
}

function send(url: URL, body: unknown, ca: string | null): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void =>
      reject(
        new CaliberError("REGISTRY_UNREACHABLE", `no answer from ${url.origin}: ${messageOf(cause)}`, {
          cause,
          disposition: "retryable",
        }),
      );
    const call = request(url, {
      method: body === undefined ? "GET" : "POST",
      headers: body === undefined ? {} : { "content-type": "application/json" },
      ...(ca === null ? { rejectUnauthorized: false } : { ca }),
      agent: false,
      signal: AbortSignal.timeout(timeout_ms),
    });
    call.on("error", fail);
    call.on("response", (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        // Without this an impostor at the first, unverified request could fill the memory.
        if (size > answer_bytes) call.destroy(new Error("the answer is too long"));
        else chunks.push(chunk);
      });
      response.on("error", fail);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
      );
    });
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function messageOf(cause: unknown): string {
  if (!(cause instanceof Error)) return "unknown";
  return (cause as NodeJS.ErrnoException).code ?? cause.message;
}

function refusalOf(status: number, text: string): CaliberError {
  let json: { code?: unknown; message?: unknown } | null = null;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    return new CaliberError("REGISTRY_ANSWER_MALFORMED", `status ${status} without a reason`, { cause });
  }
  const { code, message } = json ?? {};
  if (typeof code !== "string" || !/^[A-Z0-9_]{1,64}$/.test(code)) {
    return new CaliberError("REGISTRY_ANSWER_MALFORMED", `status ${status} without a code`);
  }
  return new CaliberError(code, typeof message === "string" ? message.slice(0, 200) : code, {
    disposition: status >= 500 ? "retryable" : "refused",
  });
}
