import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { createEnrolToken } from "../../registry/createEnrolToken.js";
import { createRegistry, type Registry } from "../../registry/createRegistry.js";

export type BenchRegistry = {
  registry: Registry;
  /** A directory that goes with the registry. */
  dir: string;
  createToken(): string;
  stop(): Promise<void>;
};

/** A registry in this process with its defaults, on a temporary directory and free ports; no chain. */
export async function startBenchRegistry(): Promise<BenchRegistry> {
  const dir = mkdtempSync(join(tmpdir(), "caliber-bench-"));
  const data_dir = join(dir, "registry");
  const registry = await createRegistry({
    data_dir,
    bind: "127.0.0.1",
    api_bind: "127.0.0.1",
    server_names: ["localhost", "127.0.0.1"],
    mqtt_port: 0,
    enrol_port: 0,
    api_port: 0,
    host_packets_per_s: 10_000,
    policy: "standard",
    window_ms: 60_000,
    tick_ms: 15_000,
    chain: null,
    log: pino({ level: "warn" }, pino.destination(2)),
    now_ms: Date.now,
    onFatal(error) {
      throw error;
    },
  });
  return {
    registry,
    dir,
    createToken: () =>
      createEnrolToken({
        data_dir,
        url: `https://localhost:${registry.enrol_port}`,
        recipient: `0x${"11".repeat(20)}`,
        operator: "bench",
        valid_ms: 600_000,
        now_ms: Date.now(),
      }),
    async stop() {
      await registry.stop();
      rmSync(dir, { recursive: true });
    },
  };
}
