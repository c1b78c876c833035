import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { replaceFile } from "../../agent/files/replaceFile.js";
import { CaliberError } from "../../protocol/errors.js";

const every_ms = 100;

/**
 * Ports by name: those asked for, else the ones of the last start, else free ones. Hosts remember where their registry
 * is, so a port is kept over restarts, and waited for while the parts of a start that was killed still end.
 *
 * @throws CaliberError PORT_TAKEN when a port that was asked for is not free.
 */
export async function stablePorts<Name extends string>(
  file: string,
  wanted: Record<Name, number>,
  patience_ms: number,
): Promise<Record<Name, number>> {
  const last = readLast(file);
  const ports: Record<string, number> = {};
  for (const [name, port] of Object.entries<number>(wanted)) {
    const before = last[name];
    if (port !== 0) {
      if (Object.values(ports).includes(port) || !(await becomesFree(port, patience_ms))) {
        throw new CaliberError("PORT_TAKEN", `--${name}-port: ${port} is taken`, { disposition: "user" });
      }
      ports[name] = port;
    } else {
      const isKept = before !== undefined && (await becomesFree(before, patience_ms));
      ports[name] = isKept ? before : await listenOnce(0);
    }
  }
  replaceFile(file, `${JSON.stringify(ports)}\n`);
  return ports as Record<Name, number>;
}

function readLast(file: string): Record<string, number> {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Record<string, number>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}

async function becomesFree(port: number, patience_ms: number): Promise<boolean> {
  for (let left_ms = patience_ms; ; left_ms -= every_ms) {
    const free = await listenOnce(port).then(
      () => true,
      () => false,
    );
    if (free || left_ms <= 0) return free;
    await sleep(every_ms);
  }
}

function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : port));
    });
  });
}
