import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { identityFile } from "../../../agent/enrol/identityFile.js";
import { fileKeyStore } from "../../../agent/keys/fileKeyStore.js";
import type { AgentStatus } from "../../../agent/runtime/agentStatus.js";
import { lockDataDir } from "../../../agent/runtime/lockDataDir.js";
import { statusFile } from "../../../agent/runtime/statusFile.js";
import type { Io } from "../../io.js";
import { run as enroll } from "./enroll.js";
import { run as pause } from "./pause.js";
import { run as retire } from "./retire.js";
import { run as rotate } from "./rotate.js";
import { run as runAgent } from "./run.js";
import { run as status } from "./status.js";
import { run as unenroll } from "./unenroll.js";

let data_dir: string;
let out: string;
const io: Io = {
  out: (text) => {
    out += text;
  },
  err: () => undefined,
};
beforeEach(() => {
  data_dir = mkdtempSync(join(tmpdir(), "caliber-cli-"));
  out = "";
});
afterEach(() => rmSync(data_dir, { recursive: true }));

const enrolled = (): void => {
  fileKeyStore(join(data_dir, "keys")).create(["GPU-a"]);
  identityFile(data_dir).save({
    v: 1,
    host: "h-test",
    certificate: "",
    ca: "",
    registry_spki: "",
    mqtt_url: "mqtts://127.0.0.1:1",
    log_origin: "log.test/1",
    window_ms: 10_000,
    recipient: "",
    enrol_url: "",
    label: "test",
    simulated: true,
    keys: { store: "file" },
    devices: [{ uuid: "GPU-a", device: "d".repeat(64) }],
  });
};

describe("each command", () => {
  it.each([
    ["enroll", enroll],
    ["run", runAgent],
    ["status", status],
    ["pause", pause],
    ["rotate", rotate],
    ["retire", retire],
    ["unenroll", unenroll],
  ])("%s tells its options, and wants a data directory", async (name, run) => {
    expect(await run(["--help"], io)).toBe(0);
    expect(out).toContain(`caliber agent ${name} `);
    const others =
      { pause: ["--for", "1m", "--reason", "x"], retire: ["--gpu", "GPU-a", "--reason", "x", "--yes"] }[
        name
      ] ?? [];
    await expect(run(others, io)).rejects.toMatchObject({ code: "OPTION_MISSING", disposition: "user" });
    await expect(run(["--nonsense"], io)).rejects.toThrow("--nonsense");
  });
});

describe("enroll", () => {
  it("names what is wrong with the token file, and never its content", async () => {
    const token = join(data_dir, "token");
    const args = ["--token-file", token, "--data-dir", data_dir];
    await expect(enroll(args, io)).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
    writeFileSync(token, "caliber-enrol-1.c2VjcmV0");
    const refused = enroll(args, io);
    await expect(refused).rejects.toMatchObject({ code: "TOKEN_MALFORMED" });
    await expect(refused).rejects.not.toThrow("c2VjcmV0");
  });
});

describe("run", () => {
  it("says that the host is not enrolled", async () => {
    await expect(runAgent(["--data-dir", data_dir], io)).rejects.toMatchObject({ code: "NOT_ENROLLED" });
  });
});

describe("status", () => {
  const told: AgentStatus = {
    v: 1,
    pid: 1,
    agent: "caliber-agent/0.1.0",
    host: "h-test",
    simulated: true,
    updated_ms: 0,
    started_ms: 0,
    connected: true,
    mqtt_url: "mqtts://127.0.0.1:1",
    in_flight: 1,
    spool: { waiting: 2, reports: 3, report_bytes: 4096 },
    certificate_expires_ms: 0,
    devices: [
      {
        uuid: "GPU-a",
        device: "d".repeat(64),
        presence: "present",
        open: true,
        head_seq: 7,
        last_report_ms: 0,
        last_receipt_ms: null,
      },
    ],
  };
  const args = (): string[] => ["--data-dir", data_dir];

  it("has an exit code for connected, not connected, and not running", async () => {
    await expect(status(args(), io)).rejects.toMatchObject({
      code: "AGENT_NOT_RUNNING",
      disposition: "refused",
    });
    statusFile(data_dir).write({ ...told, updated_ms: Date.now() });
    expect(await status(args(), io)).toBe(0);
    expect(out).toContain("GPU-a  present  report 7  last receipt none yet");
    statusFile(data_dir).write({ ...told, updated_ms: Date.now(), connected: false });
    expect(await status(args(), io)).toBe(75);
    statusFile(data_dir).write({ ...told, updated_ms: Date.now() - 21_000 });
    await expect(status(args(), io)).rejects.toMatchObject({ code: "AGENT_NOT_RUNNING" });
  });

  it("prints what the agent wrote as JSON", async () => {
    const now: AgentStatus = { ...told, updated_ms: Date.now() };
    statusFile(data_dir).write(now);
    await status([...args(), "--json"], io);
    expect(JSON.parse(out)).toEqual(now);
  });
});

describe("rotate and retire", () => {
  it("ask a running agent, and retire only when it is meant", async () => {
    const args = ["--data-dir", data_dir];
    await expect(rotate(args, io)).rejects.toMatchObject({ code: "AGENT_NOT_RUNNING" });
    const one = [...args, "--gpu", "GPU-a", "--reason", "sold"];
    await expect(retire(one, io)).rejects.toMatchObject({ code: "NOT_CONFIRMED" });
    await expect(retire([...one, "--yes"], io)).rejects.toMatchObject({ code: "AGENT_NOT_RUNNING" });
  });
});

describe("pause", () => {
  it("needs a running agent and sensible times", async () => {
    const args = ["--data-dir", data_dir, "--reason", "new fans"];
    await expect(pause([...args, "--for", "30m"], io)).rejects.toMatchObject({ code: "AGENT_NOT_RUNNING" });
    await expect(pause([...args, "--for", "soon"], io)).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });
});

describe("unenroll", () => {
  it("deletes identity and keys only when it is told yes, and not under a running agent", async () => {
    const args = ["--data-dir", data_dir];
    await expect(unenroll(args, io)).rejects.toMatchObject({ code: "NOT_ENROLLED" });
    enrolled();
    await expect(unenroll(args, io)).rejects.toMatchObject({ code: "NOT_CONFIRMED" });
    const unlock = lockDataDir(data_dir);
    await expect(unenroll([...args, "--yes"], io)).rejects.toMatchObject({ code: "DATA_DIR_LOCKED" });
    unlock();
    expect(readdirSync(join(data_dir, "keys"))).toHaveLength(2);
    expect(await unenroll([...args, "--yes", "--json"], io)).toBe(0);
    expect(JSON.parse(out)).toEqual({ host: "h-test", devices: 1 });
    expect(readdirSync(join(data_dir, "keys"))).toEqual([]);
    expect(identityFile(data_dir).exists()).toBe(false);
  });
});
