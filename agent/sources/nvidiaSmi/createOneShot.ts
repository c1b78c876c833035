import { CaliberError } from "../../../protocol/errors.js";
import { runOnce, type SmiCommand } from "./runOnce.js";
import type { SmiErrorCode } from "./smiErrors.js";

export type OneShot = {
  /** As runOnce; throws NVIDIA_SMI_UNKILLABLE at once while the child before is still there. */
  run(
    args: readonly string[],
    options: Omit<Parameters<typeof runOnce>[2], "onExit">,
  ): ReturnType<typeof runOnce>;
  /** True from the start of a child until the kernel has reaped it. */
  alive(): boolean;
};

/** Runs nvidia-smi, never two at a time. `onReaped` tells that a child which could not be killed is gone after all. */
export function createOneShot(command: SmiCommand, onReaped: () => void): OneShot {
  let alive = false;
  return {
    alive: () => alive,
    async run(args, options) {
      if (alive) {
        throw new CaliberError<SmiErrorCode>(
          "NVIDIA_SMI_UNKILLABLE",
          "an nvidia-smi that cannot be killed is still there",
          { disposition: "retryable" },
        );
      }
      alive = true;
      let abandoned = false;
      const onExit = () => {
        alive = false;
        if (abandoned) onReaped();
      };
      try {
        return await runOnce(command, args, { ...options, onExit });
      } finally {
        abandoned = alive;
      }
    },
  };
}
