import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fastFields, fewerFields } from "./fastFields.js";
import { createLineSplitter } from "./lineSplitter.js";
import { parseCsvRow } from "./parseCsvRow.js";
import { throttleReasons } from "./throttleReasons.js";

const uuid = "GPU-ab9be520-568c-2c39-918d-93d1b469eacc";
const healthy = {
  uuid,
  "pci.bus_id": "00000000:18:00.0",
  "mig.mode.current": "Disabled",
  "utilization.gpu": "93",
  "utilization.memory": "41",
  "memory.used": "70685",
  "power.draw": "614.61",
  "temperature.gpu": "59",
  "clocks.current.sm": "1965",
  "pcie.link.gen.current": "5",
  "pcie.link.width.current": "16",
  "clocks_throttle_reasons.active": "0x0000000000000004",
  "ecc.errors.uncorrected.volatile.dram": "3",
  "ecc.errors.uncorrected.volatile.sram": "0",
  "remapped_rows.correctable": "0",
  "remapped_rows.uncorrectable": "1",
  "remapped_rows.pending": "Yes",
  "remapped_rows.failure": "No",
  gpu_recovery_action: "Drain and Reset",
};
const line = (change: Partial<Record<keyof typeof healthy, string>> = {}) =>
  Object.values({ ...healthy, ...change }).join(", ");

describe("parseCsvRow", () => {
  it("reads every field of a healthy row", () => {
    expect(Object.keys(healthy)).toEqual([...fastFields]);
    expect(parseCsvRow(line(), fastFields)).toEqual({
      uuid,
      bus_id: "00000000:18:00.0",
      presence: "present",
      fast: {
        util_permille: 930,
        sm_activity_permille: null,
        energy_mj: null,
        mem_util_permille: 410,
        fb_used_mib: 70_685,
        power_mw: 614_610,
        temp_mc: 59_000,
        sm_clock_mhz: 1965,
        pcie_gen: 5,
        pcie_width: 16,
        throttle: ["sw_power_cap"],
      },
      health: {
        dram_uncorrectable: 3,
        sram_uncorrectable: 0,
        remapped_rows: { correctable: 0, uncorrectable: 1, pending: true, failure: false },
        recovery_action: "drain_and_reset",
      },
    });
  });

  it("MIG: no utilization and no remapped rows, whatever is printed", () => {
    const row = parseCsvRow(line({ "mig.mode.current": "Enabled", "utilization.gpu": "0" }), fastFields);
    expect(row).toMatchObject({
      presence: "present",
      fast: { util_permille: null, mem_util_permille: null, power_mw: 614_610 },
      health: { remapped_rows: null, dram_uncorrectable: 3 },
    });
  });

  it.each(["utilization.gpu", "power.draw", "gpu_recovery_action"] as const)(
    "one reading that says lost (%s) makes the row lost, and all readings null",
    (field) => {
      const row = parseCsvRow(line({ [field]: "[GPU is lost]" }), fastFields)!;
      expect(row.presence).toBe("lost");
      expect(row.uuid).toBe(uuid);
      expect(Object.values(row.fast).every((value) => value === null)).toBe(true);
      expect(Object.values(row.health).every((value) => value === null)).toBe(true);
    },
  );

  it("a row without one measurement is not present", () => {
    const errors = Object.fromEntries(Object.keys(healthy).map((key) => [key, "[Unknown Error]"]));
    expect(parseCsvRow(line({ ...errors, uuid }), fastFields)?.presence).toBe("lost");
    expect(parseCsvRow(line({ ...errors, "pci.bus_id": "0000:18:00.0" }), fastFields)).toMatchObject({
      uuid: null,
      bus_id: "00000000:18:00.0",
      presence: "lost",
    });
  });

  it.each([
    "",
    "garbage",
    "a, b",
    "WARNING: infoROM is corrupted at gpu 0000:01:00.0",
    `${line()}, 1`,
    "x".repeat(9999),
  ])("%# is no row", (text) => expect(parseCsvRow(text, fastFields)).toBeNull());

  it("never throws, and gives no number for a cell without a digit", () => {
    const keys = Object.keys(healthy).filter((key) => key !== "uuid" && key !== "pci.bus_id");
    fc.assert(
      fc.property(
        fc.constantFrom(...keys),
        fc.string({ unit: "binary", maxLength: 60 }).map((text) => text.replace(/[\d,]/g, "")),
        (key, text) => {
          const row = parseCsvRow(line({ [key]: text }), fastFields);
          const plain = parseCsvRow(line(), fastFields)!;
          if (row === null || row.presence === "lost") return;
          for (const name of Object.keys(plain.fast) as (keyof typeof plain.fast)[]) {
            const now = row.fast[name];
            expect(now === null || JSON.stringify(now) === JSON.stringify(plain.fast[name])).toBe(true);
          }
        },
      ),
    );
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        parseCsvRow(text, fastFields);
      }),
    );
  });
});

describe("fewerFields", () => {
  const refuse = (fields: readonly string[], field: string) =>
    fewerFields(fields, `Field "${field}" is not a valid field to query.\n\n`);

  it("leaves out the field that the driver names", () => {
    const fewer = refuse(fastFields, "gpu_recovery_action")!;
    expect(fewer).toEqual(fastFields.filter((field) => field !== "gpu_recovery_action"));
  });

  it("tries the second spelling first", () => {
    const second = refuse(fastFields, "clocks_throttle_reasons.active")!;
    expect(second).toContain("clocks_event_reasons.active");
    expect(refuse(second, "clocks_event_reasons.active")).not.toContain("clocks_event_reasons.active");
  });

  it("ends, whatever the driver refuses", () => {
    let fields: readonly string[] | null = fastFields;
    for (let tries = 0; fields !== null; tries++) {
      expect(tries).toBeLessThan(30);
      expect(fields).toContain("uuid");
      fields = refuse(fields, fields.at(-1)!);
    }
    expect(fewerFields(fastFields, "something else")).toHaveLength(8);
  });
});

describe("throttleReasons", () => {
  it("names bits, known or not", () => {
    expect(throttleReasons("0x0000000000000000")).toEqual([]);
    expect(throttleReasons("0x0000000000000061")).toEqual([
      "gpu_idle",
      "hw_thermal_slowdown",
      "sw_thermal_slowdown",
    ]);
    expect(throttleReasons("0x200")).toEqual(["bit_9"]);
    expect(throttleReasons("0xffffffffffffffff")).toHaveLength(32);
  });
  it.each(["[N/A]", "", "12", "0x", "0xg", undefined])("%j is null, not []", (text) =>
    expect(throttleReasons(text)).toBeNull(),
  );
});

describe("createLineSplitter", () => {
  it("gives the same lines however the text is cut, and drops lines without end", () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z]{0,20}$/), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 9 }),
        (texts, size) => {
          const lines: string[] = [];
          const split = createLineSplitter((text) => lines.push(text));
          const whole = `${texts.join("\n")}\n`;
          for (let at = 0; at < whole.length; at += size) split(whole.slice(at, at + size));
          expect(lines).toEqual(texts);
        },
      ),
    );
    const lines: string[] = [];
    const split = createLineSplitter((text) => lines.push(text));
    for (let count = 0; count < 100; count++) split("x".repeat(1000));
    split("tail\nnext\n");
    expect(lines).toEqual(["next"]);
  });
});
