import { defineConfig } from "vitest/config";

/** Attacks on the whole registry, in process, through its own doors. Two minutes on a small machine. */
export default defineConfig({
  test: {
    include: ["test/attack/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
