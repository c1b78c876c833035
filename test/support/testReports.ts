import { genesisPrev } from "../../protocol/chain/chainHead.js";
import { signEs256 } from "../../protocol/crypto/signEs256.js";
import { spkiOf } from "../../protocol/crypto/spki.js";
import { encodeEnvelope } from "../../protocol/dsse/encodeEnvelope.js";
import { payloadTypes } from "../../protocol/dsse/payloadTypes.js";
import { signEnvelope } from "../../protocol/dsse/signEnvelope.js";
import type { InventoryBody, Report, TelemetryBody } from "../../protocol/report/schema.js";
import { rotationMessage } from "../../protocol/rotation/rotationMessage.js";
import type { TestDevice } from "./testHost.js";

export const busyTelemetry: TelemetryBody = {
  presence: "present",
  samples: 60,
  samples_expected: 60,
  samples_root: "5f".repeat(32),
  present_ms: 0,
  util_permille: { min: 910, mean: 947, max: 980 },
  sm_activity_permille: null,
  mem_util_permille: { min: 410, mean: 433, max: 460 },
  fb_used_mib: { min: 70_100, mean: 70_212, max: 70_400 },
  power_mw: { min: 610_000, mean: 655_120, max: 690_000 },
  temp_mc: { min: 61_000, mean: 63_200, max: 65_000 },
  sm_clock_mhz: { min: 1_750, mean: 1_905, max: 1_980 },
  energy_mj: null,
  pcie_gen: 5,
  pcie_width: 16,
  pcie_replays: 131,
  ecc_volatile: { sram_correctable: 0, sram_uncorrectable: 0, dram_correctable: 0, dram_uncorrectable: 0 },
  ecc_aggregate: { sram_correctable: 0, sram_uncorrectable: 0, dram_correctable: 2, dram_uncorrectable: 0 },
  remapped_rows: { correctable: 0, uncorrectable: 0, pending: false, failure: false },
  sram_threshold_exceeded: false,
  recovery_action: "none",
  throttle: [],
  processes: 2,
  fabric: null,
  supplied: [],
  xids: [],
  implausible: [],
};

export const inventoryOf = (uuid: string): InventoryBody => ({
  index: 0,
  uuid,
  serial: null,
  pdi: null,
  name: "Test GPU 80GB",
  brand: null,
  architecture: null,
  vbios_version: "00.00.00.00.01",
  board_part_number: null,
  gpu_part_number: null,
  inforom_image_version: null,
  driver_version: "580.00",
  cuda_version: null,
  pci_bus_id: null,
  pci_device_id: null,
  pcie_gen_max: null,
  pcie_width_max: null,
  fb_total_mib: 81_559,
  sm_clock_max_mhz: null,
  power_limit_mw: null,
  mig_enabled: false,
  ecc_enabled: true,
  persistence_enabled: true,
  module_id: null,
  chassis_serial: null,
  chassis_slot: null,
  tray_index: null,
  mig_devices: null,
  host: null,
});

export type SignedReport = { bytes: Buffer; statement: string; report: Report };

/** A device's chain, signed by hand. `next` goes on from the last one; `forge` signs what it is told. */
export function testChain(first: TestDevice, host: string) {
  let device = first;
  let seq = 0;
  let prev = genesisPrev;
  const sign = (report: object): SignedReport => {
    const payload = Buffer.from(JSON.stringify(report));
    const { envelope, statement } = signEnvelope(payloadTypes.report, payload, device.key);
    return {
      bytes: encodeEnvelope(envelope, device.id),
      statement: statement.toString("hex"),
      report: report as Report,
    };
  };
  return {
    forge: sign,
    /** Signs the report that hands the chain to `next`, who signs from then on. */
    rotate(next: TestDevice, at_ms: number): SignedReport {
      const proof = signEs256(rotationMessage(device.id, next.id), next.key).toString("hex");
      const body = { successor_spki: spkiOf(next.key).toString("base64"), proof };
      const signed = this.next("rotate", body, { start_ms: at_ms, end_ms: at_ms });
      device = next;
      return signed;
    },
    /** Where the chain stands: what the next report would be made of. */
    at: () => ({ seq, prev }),
    draft(
      kind: Report["kind"],
      body: object,
      window: { start_ms: number; end_ms: number },
      beacon: Report["beacon"] = null,
    ) {
      return {
        v: 1,
        kind,
        device: device.id,
        host,
        boot: "00112233445566778899aabbccddeeff",
        seq,
        prev,
        window: { ...window, mono_start_ms: 0, mono_end_ms: window.end_ms - window.start_ms },
        beacon,
        agent: "test/1",
        source: "nvidia-smi",
        simulated: true,
        body,
      };
    },
    next(
      kind: Report["kind"],
      body: object,
      window: { start_ms: number; end_ms: number },
      beacon: Report["beacon"] = null,
    ): SignedReport {
      const signed = sign(this.draft(kind, body, window, beacon));
      seq += 1;
      prev = signed.statement;
      return signed;
    },
  };
}
