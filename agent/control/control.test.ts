import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CaliberError } from "../../protocol/errors.js";
import { askAgent } from "./askAgent.js";
import type { ControlRequest } from "./controlMessages.js";
import { controlServer } from "./controlServer.js";

const request = {
  type: "pause",
  gpu: null,
  from_ms: 1,
  until_ms: 2,
  reason: "new fans",
} satisfies ControlRequest;
let directory: string;
let heard: ControlRequest[];
let close: (() => Promise<void>) | null;
const serve = async (data_dir: string): Promise<void> => {
  close = await controlServer(data_dir, (one) => {
    heard.push(one);
    if (one.gpu === "GPU-b") throw new CaliberError("GPU_UNKNOWN", "no such GPU is enrolled");
    return 8;
  });
};
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "caliber-control-"));
  heard = [];
  close = null;
});
afterEach(async () => {
  await close?.();
  rmSync(directory, { recursive: true });
});

describe("the control socket", () => {
  it("carries a request to the agent and its answer back, for its owner alone", async () => {
    await serve(directory);
    expect(statSync(join(directory, "control.sock")).mode & 0o777).toBe(0o600);
    expect(await askAgent(directory, request)).toBe(8);
    expect(heard).toEqual([request]);
  });

  it.each<ControlRequest>([
    { type: "rotate", gpu: null },
    { type: "rotate", gpu: "GPU-a" },
    { type: "retire", gpu: "GPU-a", reason: "sold" },
  ])("carries $type", async (one) => {
    await serve(directory);
    expect(await askAgent(directory, one)).toBe(8);
    expect(heard).toEqual([one]);
  });

  it("carries refusals with their code", async () => {
    await serve(directory);
    await expect(askAgent(directory, { ...request, gpu: "GPU-b" })).rejects.toMatchObject({
      code: "GPU_UNKNOWN",
    });
  });

  it("takes over a socket that a killed agent left behind", async () => {
    writeFileSync(join(directory, "control.sock"), "");
    await serve(directory);
    expect(await askAgent(directory, request)).toBe(8);
  });

  it("works in a directory whose name is too long for a socket address", async () => {
    const long = join(directory, "d".repeat(120));
    mkdirSync(long);
    await serve(long);
    expect(await askAgent(long, request)).toBe(8);
  });

  it("says that no agent runs", async () => {
    await expect(askAgent(directory, request)).rejects.toMatchObject({ code: "AGENT_NOT_RUNNING" });
  });

  it.each([
    ["not JSON", "nonsense\n"],
    ["another type", `${JSON.stringify({ ...request, type: "reboot" })}\n`],
    ["no reason", `${JSON.stringify({ ...request, reason: "" })}\n`],
    ["all GPUs retired", `${JSON.stringify({ type: "retire", gpu: null, reason: "sold" })}\n`],
    ["an end before the beginning", `${JSON.stringify({ ...request, until_ms: 1 })}\n`],
    ["a GPU that is no text", `${JSON.stringify({ ...request, gpu: 7 })}\n`],
  ])("refuses %s", async (_name, line) => {
    await serve(directory);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(join(directory, "control.sock"), () => socket.write(line));
      socket.on("data", (chunk) => resolve(chunk.toString()));
      socket.on("error", reject);
    });
    expect(JSON.parse(answer)).toMatchObject({ ok: false, code: "CONTROL_MALFORMED" });
    expect(heard).toEqual([]);
  });

  it("cuts off who writes without end", async () => {
    await serve(directory);
    await new Promise<void>((resolve) => {
      const socket = connect(join(directory, "control.sock"), () => socket.write("x".repeat(10_000)));
      socket.on("close", () => resolve());
      socket.on("error", () => undefined);
    });
    expect(heard).toEqual([]);
  });
});
