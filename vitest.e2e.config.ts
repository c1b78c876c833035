import { defineConfig } from "vitest/config";

/** The whole system, built (`npm run build`), in its own processes. One at a time: it takes all of a small machine. */
export default defineConfig({
  test: {
    include: ["test/e2e/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    bail: 1,
  },
});
