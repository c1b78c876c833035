import { configDefaults, defineConfig } from "vitest/config";

/** Units and what they can be joined to in a moment. What starts the whole system has configurations of its own. */
export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    exclude: [...configDefaults.exclude, "dist/**", "test/e2e/**", "test/fault/**", "test/attack/**"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
