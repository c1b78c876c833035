import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { lockDataDir } from "./lockDataDir.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "caliber-agent-lock-"));
});
afterEach(() => rmSync(dir, { recursive: true }));
const coded = (code: string) => expect.objectContaining({ code });

it("holds a directory for one agent, until it lets go", () => {
  const unlock = lockDataDir(dir);
  expect(() => lockDataDir(dir)).toThrow(coded("DATA_DIR_LOCKED"));
  unlock();
  lockDataDir(dir)();
});

it("says that a directory is not there, or is none", () => {
  expect(() => lockDataDir(join(dir, "nowhere"))).toThrow(coded("NOT_ENROLLED"));
  writeFileSync(join(dir, "file"), "");
  expect(() => lockDataDir(join(dir, "file"))).toThrow(coded("DATA_DIR_UNUSABLE"));
});
