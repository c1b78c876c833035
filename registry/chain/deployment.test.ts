import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Deployment, deploymentId, loadDeployment, saveDeployment } from "./deployment.js";

const deployment: Deployment = {
  chain_id: 31337,
  token: `0x${"11".repeat(20)}`,
  health: `0x${"22".repeat(20)}`,
  log: `0x${"33".repeat(20)}`,
  block: { number: 3, hash: `0x${"44".repeat(32)}` },
};
const file = () => join(mkdtempSync(join(tmpdir(), "caliber-deployment-")), "deployment.json");

describe("deployment file", () => {
  it("comes back as it was saved, and is null before", () => {
    const path = file();
    expect(loadDeployment(path)).toBeNull();
    saveDeployment(path, deployment);
    expect(loadDeployment(path)).toEqual(deployment);
    const gated = { ...deployment, gate: `0x${"66".repeat(20)}` as const };
    saveDeployment(path, gated);
    expect(loadDeployment(path)).toEqual(gated);
  });

  it.each([
    ["not JSON", "{"],
    ["chain_id", JSON.stringify({ ...deployment, chain_id: "1" })],
    ["health", JSON.stringify({ ...deployment, health: "0xABC" })],
    ["gate", JSON.stringify({ ...deployment, gate: "0xABC" })],
    ["block", JSON.stringify({ ...deployment, block: { number: 3 } })],
  ])("is refused when malformed: %s", (what, text) => {
    const path = file();
    writeFileSync(path, text);
    expect(() => loadDeployment(path)).toThrow(
      expect.objectContaining({ code: "DEPLOYMENT_MALFORMED", message: expect.stringContaining(what) }),
    );
  });

  it("tells a redeployment to the same addresses apart", () => {
    const again = { ...deployment, block: { number: 3, hash: `0x${"55".repeat(32)}` as const } };
    expect(deploymentId(again)).not.toBe(deploymentId(deployment));
  });
});
