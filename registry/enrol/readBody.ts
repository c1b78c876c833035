import type { IncomingMessage } from "node:http";
import { CaliberError } from "../../protocol/errors.js";

/**
 * A request's body, up to a size. The length header is only a promise, so bytes are counted as they come.
 *
 * @throws CaliberError BODY_TOO_LARGE, BODY_INCOMPLETE
 */
export function readBody(request: IncomingMessage, limit_bytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const tooLarge = (): void => {
      request.pause();
      reject(new CaliberError("BODY_TOO_LARGE", `a request has at most ${limit_bytes} bytes`));
    };
    if (Number(request.headers["content-length"] ?? 0) > limit_bytes) {
      tooLarge();
      return;
    }
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit_bytes) tooLarge();
      else chunks.push(chunk);
    });
    request.on("end", () => resolve(Buffer.concat(chunks)));
    request.on("close", () => reject(new CaliberError("BODY_INCOMPLETE", "the request ended early")));
    request.on("error", (cause) =>
      reject(new CaliberError("BODY_INCOMPLETE", "the request ended early", { cause })),
    );
  });
}
