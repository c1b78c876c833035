import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CaliberError } from "../../../protocol/errors.js";
import { csvHeader, csvRow } from "../../../test/simulator/csvFields.js";
import { gpuStates } from "../../../test/simulator/gpuState.js";
import { parseScenario } from "../../../test/simulator/scenario.js";
import { xmlLog } from "../../../test/simulator/xml.js";
import { fastFields } from "./fastFields.js";
import { fullFields } from "./fullFields.js";
import { parseCsvRow } from "./parseCsvRow.js";
import { readSaved } from "./readSaved.js";

const events = [{ at_s: 0, host: "h", gpu: 1, do: "mig" }];
const scenario = parseScenario({ name: "t", hosts: [{ name: "h", gpus: 2, model: "GB200" }], events });
const states = gpuStates({ scenario, host: scenario.hosts[0]!, seed: "s", epoch_ms: 0 }, 60_000);
const rows = states.map((gpu) => csvRow(fullFields, true, gpu, { now_ms: 0, count: 2 }));
const xml = xmlLog(states, 0, 2);
const csv = `${csvHeader(fullFields, true)}\n${rows.join("\n")}\n`;
const stream = csvRow(fastFields, false, states[0]!, { now_ms: 0, count: 2 });

/** CPU time that one reading may take, whatever was printed. */
const limit_ms = 1000;

function readBounded(text: string): string {
  const began = process.cpuUsage();
  let code = "none";
  try {
    const { readings, inventory } = readSaved(text);
    expect(readings).toHaveLength(inventory.length);
    for (const { presence, fast, health } of readings) {
      if (presence === "lost")
        expect(Object.values({ ...fast, ...health }).every((v) => v === null)).toBe(true);
    }
  } catch (error) {
    if (!(error instanceof CaliberError)) throw error;
    ({ code } = error);
  }
  const { user, system } = process.cpuUsage(began);
  expect((user + system) / 1000).toBeLessThan(limit_ms);
  return code;
}

type Damage = (text: string) => string;
const damage = (length: number): fc.Arbitrary<Damage> => {
  const at = fc.nat(length);
  const size = fc.nat(80);
  return fc.oneof(
    fc.tuple(at, size, fc.string({ unit: "binary", maxLength: 60 })).map(
      ([from, drop, insert]): Damage =>
        (text) =>
          text.slice(0, from) + insert + text.slice(from + drop),
    ),
    // A piece printed twice, or somewhere else.
    fc.tuple(at, size, at).map(
      ([from, drop, to]): Damage =>
        (text) =>
          text.slice(0, to) + text.slice(from, from + drop) + text.slice(to),
    ),
    fc.tuple(at, fc.constantFrom("<", ">", "&", "\0", ",", "\n", '"', "\ufffd", "-", "9".repeat(400))).map(
      ([from, character]): Damage =>
        (text) =>
          text.slice(0, from) + character + text.slice(from + 1),
    ),
    at.map(
      (end): Damage =>
        (text) =>
          text.slice(0, end),
    ),
  );
};
const damaged = (text: string) =>
  fc
    .array(damage(text.length), { minLength: 1, maxLength: 6 })
    .map((all) => all.reduce((t, d) => d(t), text));

describe("damaged output ends in readings or a coded error, within a second", () => {
  it.each([
    ["XML", xml, 250],
    ["CSV", csv, 400],
  ] as const)("%s", (_name, whole, numRuns) => {
    expect(readBounded(whole)).toBe("none");
    fc.assert(
      fc.property(damaged(whole), (text) => {
        expect(readBounded(text)).toMatch(/^(none|NVIDIA_SMI_[A-Z_]+)$/);
      }),
      { numRuns },
    );
  });

  it("the stream's rows: a reading, or none; never a throw", () => {
    expect(parseCsvRow(stream, fastFields)).not.toBeNull();
    fc.assert(
      fc.property(damaged(stream), (text) => {
        const row = parseCsvRow(text, fastFields);
        if (row?.presence === "lost") {
          expect(Object.values({ ...row.fast, ...row.health }).every((v) => v === null)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  const open = "<nvidia_smi_log>";
  it.each<[string, () => string]>([
    ["XML of one endless text", () => `${open}<gpu><uuid>${"x".repeat(7 << 20)}`],
    ["XML of elements without end", () => `${open}<gpu id='1'>${"<a></a>".repeat(500_000)}`],
    ["XML of one endless attribute", () => `${open}<gpu id='${"x".repeat(7 << 20)}'>`],
    ["XML of attributes without end", () => `${open}<gpu ${"a='1' ".repeat(100_000)}>`],
    ["XML of processes without end", () => `${open}<gpu><processes>${"<process_info/>".repeat(300_000)}`],
    ["XML of MIG devices without end", () => `${open}<gpu><mig_devices>${"<mig_device/>".repeat(300_000)}`],
    ["XML of entities", () => `${open}${"&amp;".repeat(1 << 20)}`],
    ["XML on one line after warnings", () => `${"warning\n".repeat(200_000)}${xml.replaceAll("\n", "")}`],
    ["CSV of commas", () => `uuid${",".repeat(7 << 20)}`],
    [
      "CSV of columns",
      () => `uuid,${Array.from({ length: 500 }, (_, i) => i).join()}\n${"1,".repeat(4 << 20)}`,
    ],
    ["CSV of empty lines", () => `uuid\n${"\n".repeat(7 << 20)}`],
    ["CSV of one line again and again", () => csv + `${rows[0]}\n`.repeat(20_000)],
    ["CSV of quotes and units", () => `${"uuid [".repeat(1 << 20)}\n`],
    ["too much of anything", () => `${open}${" ".repeat(20 << 20)}`],
  ])("%s", (_name, text) => {
    expect(readBounded(text())).toMatch(/^(none|NVIDIA_SMI_[A-Z_]+)$/);
  });
});
