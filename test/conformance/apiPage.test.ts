import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type ApiContext, createRoutes } from "../../registry/api/routes.js";
import type { ChainStatus } from "../../registry/chain/chainStatus.js";
import { registryMetrics } from "../../registry/registryMetrics.js";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const page = read("docs/api.md");

describe("docs/api.md", () => {
  it("has a section for each route, and none for others", () => {
    const samples: Record<string, string> = {
      "<device>": "0".repeat(64),
      "<id>": "1",
      "<idx>": "1",
      "<hash>": `0x${"0".repeat(64)}`,
    };
    const told = [...page.matchAll(/^## (?:GET|POST) (\S+)$/gm)].map(([, heading]) => {
      const path = heading!.replaceAll("&lt;", "<").replaceAll("&gt;", ">").split("?")[0]!;
      return path.replace(/<[a-z]+>/, (name) => samples[name] ?? name);
    });
    const routes = createRoutes({} as ApiContext);
    expect(told).toHaveLength(routes.length);
    for (const { pattern, method = "GET" } of routes) {
      expect(page, String(pattern)).toMatch(new RegExp(`^## ${method} `, "m"));
      expect(
        told.filter((path) => pattern.test(path)),
        String(pattern),
      ).toHaveLength(1);
    }
  });

  it("has every metric", () => {
    const chain: ChainStatus = { rpc: "ok", pending: 0, fault: null, problems: [], balance_gwei: 0 };
    const loans = { fault: null, head: null };
    const ingest = { kept: 0, duplicates: 0, refused: 0 };
    for (const { name } of registryMetrics({
      devices: [],
      ingest,
      logSize: 0,
      connections: 0,
      chain,
      loans,
    })) {
      expect(page).toContain(`\`${name}`);
    }
  });

  it("has every error code with its status", () => {
    const sources = ["routes", "loanRoutes", "approvalRoutes", "apiServer"]
      .map((name) => read(`registry/api/${name}.ts`))
      .join("\n");
    const thrown = [...sources.matchAll(/HttpError\((\d{3}), "([A-Z_]+)"/g)];
    expect(thrown.length).toBeGreaterThan(5);
    for (const [, status, code] of thrown)
      expect(page).toMatch(new RegExp(`^\\| ${status} \\|.*\`${code}\``, "m"));
  });
});
