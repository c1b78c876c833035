import { defineConfig } from "vitest/config";

/** Processes of the built system, killed at random moments. CALIBER_FAULT_ROUNDS and CALIBER_FAULT_SEED change the run. */
export default defineConfig({
  test: {
    include: ["test/fault/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    bail: 1,
  },
});
