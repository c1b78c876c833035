import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gpuStates } from "../../../test/simulator/gpuState.js";
import { parseScenario } from "../../../test/simulator/scenario.js";
import { xmlLog } from "../../../test/simulator/xml.js";
import { parseXml } from "./parseXml.js";
import { readXml } from "./readXml.js";

const plain = parseScenario({ name: "t", hosts: [{ name: "h", gpus: 2, model: "H200" }] });
const states = gpuStates({ scenario: plain, host: plain.hosts[0]!, seed: "s", epoch_ms: 0 }, 60_000);
const block = (mhz: number) =>
  `<supported_mem_clock><value>${mhz} MHz</value><supported_graphics_clock>1980 MHz</supported_graphics_clock></supported_mem_clock>`;
const clocks = `<supported_clocks>${block(3201)}${block(2619)}</supported_clocks>`;
const whole = xmlLog(states, 0, 2).replaceAll("<supported_clocks>N/A</supported_clocks>", clocks);
const good = parseXml(whole);
const code = (text: string) => {
  try {
    return readXml(text).repairs;
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe("readXml", () => {
  it.each([
    ["a block not closed", "</supported_mem_clock><supported_mem_clock>", "<supported_mem_clock>", 2],
    ["a block closed twice", "</supported_mem_clock>", "</supported_mem_clock></supported_mem_clock>", 4],
    ["a stray end of the list", block(3201), `${block(3201)}</supported_clocks>`, 2],
    ["a leaf not closed", "3201 MHz</value>", "3201 MHz", 2],
    ["ends swapped", "MHz</value>", "MHz</supported_mem_clock></value>", 12],
    ["text in place of a value", "<value>2619 MHz</value>", "2619 MHz", 0],
  ])("%s: every reading is as it was", (_name, from, to, repairs) => {
    const damaged = whole.replaceAll(from, to);
    expect(damaged).not.toBe(whole);
    expect(readXml(damaged)).toEqual({ readings: good, repairs });
  });

  it.each([
    ["a reading's element is not closed", "</utilization>", ""],
    ["a reading's element is closed twice", "</utilization>", "</utilization></utilization>"],
    ["a reading's leaf is not closed", "</gpu_temp>", ""],
    ["the end of the list is missing, so that the processes stand in it", "</supported_clocks>", ""],
    ["a GPU is not closed", "</gpu>", ""],
    ["the second GPU stands in the first", "</supported_clocks>", '<gpu id="0"></supported_clocks>'],
    ["it is cut off", "</nvidia_smi_log>", ""],
    ["it is nested wrongly without end", "</supported_clocks>", "</x>".repeat(600)],
    ["it is nested too deeply", "<supported_clocks>", `${"<x>".repeat(40)}<supported_clocks>`],
  ])("%s: refused", (_name, from, to) => {
    const damaged = whole.replaceAll(from, to);
    expect(damaged).not.toBe(whole);
    expect(code(damaged)).toBe("NVIDIA_SMI_XML_MALFORMED");
  });

  it("any one tag lost or doubled gives the very same readings or a coded error, never others", () => {
    const tags = [...whole.matchAll(/<\/?[a-z_]+[^<>]*>/gi)];
    fc.assert(
      fc.property(fc.nat(tags.length - 1), fc.boolean(), (at, twice) => {
        const { index, 0: tag } = tags[at]!;
        const damaged = `${whole.slice(0, index)}${twice ? tag + tag : ""}${whole.slice(index + tag.length)}`;
        let readings: unknown;
        try {
          ({ readings } = readXml(damaged));
        } catch (error) {
          expect((error as { code: string }).code).toMatch(/^NVIDIA_SMI_(XML_MALFORMED|DUPLICATE_UUID)$/);
          return;
        }
        expect(readings).toEqual(good);
      }),
      { numRuns: 150 },
    );
  });

  it("takes time in proportion to the text", () => {
    for (const hostile of [
      `<nvidia_smi_log>${"<".repeat(2 << 20)}`,
      `<nvidia_smi_log><gpu id="1">${"<supported_clocks ".repeat(100_000)}`,
      `<nvidia_smi_log>${"</a>".repeat(500_000)}`,
      `<nvidia_smi_log>${"<a b='".repeat(300_000)}>`,
    ]) {
      const began = performance.now();
      expect(code(hostile)).toBe("NVIDIA_SMI_XML_MALFORMED");
      expect(performance.now() - began).toBeLessThan(1000);
    }
  });
});

const sample = `${process.env.CALIBER_SAMPLES ?? "../shared/samples"}/nvidia-smi-xml/rtx-3080-v12.xml`;
const skip = !existsSync(sample) && process.env.CI !== "true";

describe.skipIf(skip)("a recorded file", () => {
  it("with its supported clocks damaged reads as before", () => {
    const text = readFileSync(sample, "utf8");
    const ends = text.split("</supported_mem_clock>").length - 1;
    expect(ends).toBeGreaterThan(3);
    const { readings, repairs } = readXml(text.replaceAll("</supported_mem_clock>", ""));
    expect(readings).toEqual(parseXml(text));
    expect(repairs).toBe(ends);
  });
});
