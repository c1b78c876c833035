import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { lockDataDir as lockAgent } from "../../agent/runtime/lockDataDir.js";
import { CaliberError } from "../../protocol/errors.js";
import { lockDataDir as lockRegistry } from "../../registry/lockDataDir.js";

const every_ms = 100;

/**
 * Waits for the parts of a former `caliber up` that was killed: they end by themselves when it is gone, which takes
 * them a moment.
 *
 * @throws CaliberError DATA_DIR_LOCKED, REGISTRY_RUNNING when one is there still after `timeout_ms`.
 */
export async function untilPartsEnded(
  dirs: { registry: string; hosts: readonly string[] },
  timeout_ms: number,
): Promise<void> {
  for (let left_ms = timeout_ms; ; left_ms -= every_ms) {
    try {
      if (existsSync(dirs.registry)) lockRegistry(dirs.registry)();
      for (const host of dirs.hosts) if (existsSync(host)) lockAgent(host)();
      return;
    } catch (error) {
      const isHeld = ["DATA_DIR_LOCKED", "REGISTRY_RUNNING"].some((code) => CaliberError.find(error, code));
      if (!isHeld || left_ms <= 0) throw error;
      await sleep(every_ms);
    }
  }
}
