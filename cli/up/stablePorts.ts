import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";

/**
 * Ports by name: those asked for, else the ones of the last start where they are still free, else free ones. Hosts
 * remember where their registry is, so a port is kept over restarts.
 */
export async function stablePorts<Name extends string>(
  file: string,
  wanted: Record<Name, number>,
): Promise<Record<Name, number>> {
  const last = readLast(file);
  const ports: Record<string, number> = {};
  for (const [name, port] of Object.entries<number>(wanted)) {
    const before = last[name];
    if (port !== 0) ports[name] = port;
    else ports[name] = before !== undefined && (await isFree(before)) ? before : await freePort();
  }
  writeFileSync(file, `${JSON.stringify(ports)}\n`);
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

function isFree(port: number): Promise<boolean> {
  return listenOnce(port).then(
    () => true,
    () => false,
  );
}

function freePort(): Promise<number> {
  return listenOnce(0);
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
