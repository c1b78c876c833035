import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockDataDir } from "./lockDataDir.js";

let data_dir: string;
beforeEach(() => {
  data_dir = mkdtempSync(join(tmpdir(), "caliber-lock-"));
});
afterEach(() => rmSync(data_dir, { recursive: true }));

const coded = (code: string) => expect.objectContaining({ code, disposition: "user" });

describe("lockDataDir", () => {
  it("holds a directory for one, until it lets go", () => {
    const unlock = lockDataDir(data_dir);
    expect(() => lockDataDir(data_dir)).toThrow(coded("REGISTRY_RUNNING"));
    unlock();
    lockDataDir(data_dir)();
  });

  it.each<[string, (path: string) => void]>([
    ["no directory", () => rmSync(data_dir, { recursive: true })],
    ["a directory in the lock's place", (path) => mkdirSync(path)],
    [
      "another file in the lock's place",
      (path) => writeFileSync(path, "not a database, but as long as one".repeat(99)),
    ],
  ])("does not take %s for a running registry", (_what, spoil) => {
    spoil(join(data_dir, "registry.lock"));
    expect(() => lockDataDir(data_dir)).toThrow(coded("DATA_DIR_UNUSABLE"));
    mkdirSync(data_dir, { recursive: true });
  });
});
