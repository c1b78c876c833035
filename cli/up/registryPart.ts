import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { DevChain } from "./devChain.js";
import { flags } from "./flags.js";
import { paths } from "./paths.js";
import { registryNodeFlags } from "./registryNodeFlags.js";
import type { PartOptions } from "./startPart.js";

/** The registry of `caliber up`: the real one, at a pace that can be watched. */
export function registryPart(options: {
  dir: string;
  logs: string;
  window_ms: number;
  ports: Record<"mqtt" | "enrol" | "api", number>;
  chain: DevChain;
}): PartOptions {
  const { dir, logs, window_ms, ports, chain } = options;
  return {
    name: "registry",
    command: process.execPath,
    args: [
      ...registryNodeFlags,
      paths.caliber,
      "registry",
      "run",
      "--exit-with-parent",
      ...flags({
        "data-dir": dir,
        policy: "demo",
        window: `${window_ms}ms`,
        tick: "1s",
        epoch: "30s",
        "anchor-every": "15s",
        "beacon-every": "5s",
        // One writer, one node: nothing reorganises this chain.
        confirmations: 0,
        "mqtt-port": ports.mqtt,
        "enrol-port": ports.enrol,
        "api-port": ports.api,
        "rpc-url": chain.rpc_url,
        deployment: chain.deployment_file,
        "writer-key": chain.writer_key_file,
      }),
    ],
    // Signatures are checked beside the event loop, which has a core of its own.
    env: { UV_THREADPOOL_SIZE: String(Math.max(1, availableParallelism() - 1)) },
    log_file: join(logs, "registry.log"),
    readsFirstLine: true,
  };
}
