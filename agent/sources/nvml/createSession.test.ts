import { Ajv } from "ajv";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reportSchemas } from "../../../protocol/report/schema.js";
import { fakeGpu } from "../../../test/nvml/fakeGpu.js";
import { fakeGpuOf } from "../../../test/nvml/fakeGpuOf.js";
import { createFakeHost, type FakeHost, hasCompiler } from "../../../test/nvml/fakeHost.js";
import { gpuStates, type SimHost } from "../../../test/simulator/gpuState.js";
import { models } from "../../../test/simulator/models.js";
import { parseScenario } from "../../../test/simulator/scenario.js";
import { xmlLog } from "../../../test/simulator/xml.js";
import { parseXml } from "../nvidiaSmi/parseXml.js";
import { createSession } from "./createSession.js";

describe.skipIf(!hasCompiler())("createSession", { timeout: 60_000 }, () => {
  let host: FakeHost;
  beforeAll(() => {
    host = createFakeHost();
  });
  afterAll(() => host.remove());
  const open = () => createSession({ library: host.library, known: [], xid_events: true });

  it.each(["H100 80GB HBM3", "B200", "GB200", "A100-SXM4-80GB"])(
    "reads of a %s what nvidia-smi prints of it",
    (name) => {
      const model = models[name]!;
      const events = [
        { at_s: 10, host: "sim", gpu: 1, do: "ecc_uncorrectable", errors: 2 },
        { at_s: 10, host: "sim", gpu: 2, do: "idle" },
      ];
      const scenario = parseScenario({ name: "t", hosts: [{ name: "sim", gpus: 4, model: name }], events });
      const sim: SimHost = { scenario, host: scenario.hosts[0]!, seed: "t", epoch_ms: 0 };
      const states = gpuStates(sim, 30_000);
      host.write({
        gpus: states.map(fakeGpuOf),
        machine: [`driver ${model.driver}`, `cuda ${cudaNumber(model.cuda)}`],
      });
      const printed = parseXml(xmlLog(states, 30_000, states.length));
      const session = open();
      const answer = session.round({ full: true, reopen: false });
      session.close();
      if (!answer.ok || answer.full === null) throw new Error("no full reading");
      expect(printed).toHaveLength(4);
      expect(answer.full.map(({ inventory }) => inventory)).toEqual(
        // NVML has no function for the GPU's own part number.
        printed.map(({ uuid, inventory }) => ({ ...inventory, uuid, gpu_part_number: null })),
      );
      expect(answer.full.map(({ health }) => health)).toEqual(printed.map(({ health }) => health));
      expect(answer.rows.map(({ fast }) => ({ ...fast, energy_mj: null }))).toEqual(
        printed.map(({ fast }) => fast),
      );
    },
  );

  it("gives what the schema takes, whatever the library says", () => {
    const ajv = new Ajv({ strict: false });
    const inventory = ajv.compile(reportSchemas.inventory.properties.body);
    const telemetry = reportSchemas.telemetry.properties.body.properties;
    const readings = Object.fromEntries(
      Object.entries(telemetry)
        .filter(([name]) => healthNames.includes(name))
        .map(([name, schema]) => [name, ajv.compile(schema)]),
    );
    const value = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constantFrom("!1", "!3", "!4", "!15", "!16", "!999", "", "-1", "4294967295"),
      },
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
      fc.string({ maxLength: 90 }).map((text) => text.replace(/[\n\0]/g, " ")),
    );
    const keys = Object.keys(fakeGpu(0));
    const gpu = fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 12 });
    const session = open();
    fc.assert(
      fc.property(fc.array(gpu, { maxLength: 3 }), fc.boolean(), (overs, reopen) => {
        host.write({ gpus: overs.map((over, n) => fakeGpu(n, over)), machine: ["live 1"] });
        const answer = session.round({ full: true, reopen });
        if (!answer.ok)
          return void expect(["NVML_UNINITIALIZED", "NVML_FAILED"]).toContain(answer.error.code);
        for (const { inventory: body, health } of answer.full!) {
          expect(inventory(body) || inventory.errors).toBe(true);
          for (const [name, valid] of Object.entries(readings)) {
            expect(valid(health[name as keyof typeof health]) || [name, health, valid.errors]).toBe(true);
          }
        }
        for (const { fast } of answer.rows) {
          for (const number of Object.values(fast).filter((one) => typeof one === "number")) {
            expect(Number.isSafeInteger(number) && !Object.is(number, -0)).toBe(true);
          }
        }
      }),
      { numRuns: 300 },
    );
    session.close();
  });
});

/** 12.8 is 12080. */
function cudaNumber(version: string): number {
  const [major, minor] = version.split(".").map(Number);
  return major! * 1000 + minor! * 10;
}

const healthNames = [
  "ecc_volatile",
  "ecc_aggregate",
  "sram_threshold_exceeded",
  "remapped_rows",
  "recovery_action",
  "pcie_replays",
  "processes",
  "fabric",
];
