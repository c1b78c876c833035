import { chmodSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { CaliberError } from "../../protocol/errors.js";
import type { ControlAnswer, ControlRequest } from "./controlMessages.js";
import { socketPath } from "./socketPath.js";

const longestRequest = 4096;
const idle_ms = 5000;

/**
 * Listens on the data directory's control socket (mode 0600: its owner and root). The directory's lock must be held,
 * since a socket left behind by a killed agent is removed.
 *
 * @param handle throws CaliberError for what it refuses.
 * @returns a function that closes the socket.
 */
export async function controlServer(
  data_dir: string,
  handle: (request: ControlRequest) => number,
): Promise<() => Promise<void>> {
  const { path, release } = socketPath(data_dir);
  rmSync(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    serve(socket, handle);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return () =>
    new Promise((resolve) => {
      server.close(() => {
        release();
        resolve();
      });
      for (const socket of sockets) socket.destroy();
    });
}

function serve(socket: Socket, handle: (request: ControlRequest) => number): void {
  let text = "";
  socket.setEncoding("utf8");
  socket.setTimeout(idle_ms, () => socket.destroy());
  // A client that goes away while it is answered concerns nobody.
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: string) => {
    text += chunk;
    if (text.length > longestRequest) socket.destroy();
    else if (text.includes("\n")) socket.end(`${JSON.stringify(answer(text, handle))}\n`);
  });
}

function answer(text: string, handle: (request: ControlRequest) => number): ControlAnswer {
  try {
    return { ok: true, devices: handle(parse(text)) };
  } catch (error) {
    if (!(error instanceof CaliberError)) throw error;
    return { ok: false, code: error.code, message: error.message };
  }
}

function parse(text: string): ControlRequest {
  const malformed = (why: string): CaliberError => new CaliberError("CONTROL_MALFORMED", why);
  let json: Record<string, unknown> | null;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new CaliberError("CONTROL_MALFORMED", "the request is not JSON", { cause });
  }
  const { type, gpu, from_ms, until_ms, reason } = json ?? {};
  if (type !== "pause" && type !== "rotate" && type !== "retire") {
    throw malformed("the request is of no known type");
  }
  if (gpu !== null && typeof gpu !== "string") throw malformed("gpu is neither a UUID nor null");
  if (type === "rotate") return { type, gpu };
  if (typeof reason !== "string" || reason.length < 1 || reason.length > 200) {
    throw malformed("reason has 1 to 200 characters");
  }
  if (type === "retire") {
    if (gpu === null) throw malformed("one GPU is retired at a time");
    return { type, gpu, reason };
  }
  if (
    !Number.isSafeInteger(from_ms) ||
    !Number.isSafeInteger(until_ms) ||
    Number(until_ms) <= Number(from_ms)
  ) {
    throw malformed("the pause ends before it begins");
  }
  return { type, gpu, from_ms: Number(from_ms), until_ms: Number(until_ms), reason };
}
