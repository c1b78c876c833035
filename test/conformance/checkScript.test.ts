import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkpointVerifierKey, signCheckpoint } from "../../protocol/log/checkpoint.js";
import { encodeJsonEntry } from "../../protocol/log/entry.js";
import { inclusionProof } from "../../protocol/merkle/inclusionProof.js";
import { leafHash } from "../../protocol/merkle/leafHash.js";
import { nodeHash } from "../../protocol/merkle/nodeHash.js";
import { rootOf } from "../../protocol/merkle/rootOf.js";

const root = new URL("../../", import.meta.url);
const vector = (name: string) => JSON.parse(readFileSync(new URL(`fixtures/vectors/${name}`, root), "utf8"));
const { report } = vector("log-entries.json");
const { device_spki } = vector("report-envelopes.json");
const event = vector("event.json");
const origin = "caliber.example/log";
const log = generateKeyPairSync("ed25519");
const vkey = checkpointVerifierKey(origin, log.publicKey);
const files = ["checkpoint", "entry.bin", "proof.json", "enrol.bin", "keys.json", "events.json"] as const;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "caliber-check-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** A log of `size` entries whose entry `idx` is the published report, as README's commands would save it. */
function save(idx: number, size: number): void {
  const entry = Buffer.from(report.entry, "hex");
  const tick = encodeJsonEntry("tick", { received_at_ms: 1, first: 0, count: 0 });
  const leaves = Array.from({ length: size }, (_, at) => leafHash(at === idx ? entry : tick));
  const subtree = (level: number, at: number) => rootOf(leaves.slice(at << level, (at + 1) << level));
  const proof = inclusionProof(idx, size, subtree, nodeHash).map((hash) => Buffer.from(hash).toString("hex"));
  const spki = Buffer.from(device_spki, "hex").toString("base64");
  const enrol = encodeJsonEntry("key", { type: "enrol", devices: [{ device: report.device, spki }] });
  const write = (name: (typeof files)[number], content: string | Buffer) =>
    writeFileSync(join(dir, name), content);
  write("checkpoint", signCheckpoint({ origin, size, root: rootOf(leaves) }, log.privateKey));
  write("entry.bin", entry);
  write("proof.json", JSON.stringify({ idx, proof }));
  write("enrol.bin", enrol);
  write(
    "keys.json",
    JSON.stringify({ registry_spki: Buffer.from(event.registry_spki, "hex").toString("base64") }),
  );
  write("events.json", JSON.stringify({ events: [{ id: 1, envelope: event.envelope }] }));
}

const check = async (): Promise<string> => {
  const args = [new URL("docs/check.mjs", root).pathname, vkey, ...files.map((name) => join(dir, name))];
  return (await promisify(execFile)(process.execPath, args)).stdout;
};

describe("docs/check.mjs", () => {
  it.each([
    [0, 1],
    [0, 7],
    [3, 7],
    [6, 7],
    [8, 9],
    [5, 8],
  ])("passes what holds: entry %i of %i", async (idx, size) => {
    save(idx, size);
    expect((await check()).match(/^ok {2}/gm)).toHaveLength(6);
  });

  /** Changes one character inside a base64 or hex text, so that nothing but its value changes. */
  const turn = (text: string, at: number) =>
    `${text.slice(0, at)}${text[at] === "0" ? "1" : "0"}${text.slice(at + 1)}`;

  it.each([
    ["entry.bin", "is in the log", (bytes: Buffer) => turn(bytes.toString("latin1"), 200)],
    [
      "checkpoint",
      "is signed by caliber.example/log",
      (bytes: Buffer) => bytes.toString().replace("\n7\n", "\n8\n"),
    ],
    ["proof.json", "is in the log", (bytes: Buffer) => bytes.toString().replace('"idx":3', '"idx":2')],
    ["proof.json", "is in the log", (bytes: Buffer) => bytes.toString().replace(/,"[0-9a-f]{64}"\]/, "]")],
    [
      "enrol.bin",
      "is a report of",
      (bytes: Buffer) => bytes.toString().replace(report.device, "0".repeat(64)),
    ],
    [
      "enrol.bin",
      "the hash of its key",
      (bytes: Buffer) =>
        bytes
          .toString()
          .replace(
            /"spki":"[^"]+"/,
            `"spki":"${Buffer.from(event.registry_spki, "hex").toString("base64")}"`,
          ),
    ],
    [
      "keys.json",
      "is signed by the registry",
      () => JSON.stringify({ registry_spki: Buffer.from(device_spki, "hex").toString("base64") }),
    ],
  ])("a changed %s does not hold: %s", async (name, why, change) => {
    save(3, 7);
    const path = join(dir, name);
    const before = readFileSync(path);
    const after = Buffer.from(change(before), name === "entry.bin" ? "latin1" : "utf8");
    expect(after.equals(before)).toBe(false);
    writeFileSync(path, after);
    await expect(check()).rejects.toThrow(new RegExp(`DOES NOT HOLD: .*${why}`));
  });
});
