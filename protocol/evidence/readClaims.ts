import type { DeviceKind } from "./deviceKinds.js";
import { evidenceError } from "./evidenceError.js";

/** What a device says of itself under its signature; null where the report does not carry it. */
export type SignedClaims = {
  driver_version: string | null;
  /** 96.00.A5.00.01, as nvidia-smi writes it. */
  vbios_version: string | null;
  /** Board project and its SKU (G520, 0200): pieces of the board part number. */
  project: string | null;
  project_sku: string | null;
  /** 885: a piece of the GPU part number. */
  chip_sku: string | null;
  board_id: number | null;
  /** SHA-384 of the firmware behind the signing key, hex. */
  fwid: string | null;
  /** How a GPU takes part in confidential computing: alone (spt), many (mpt), with switches (ppcie), or code_N. */
  feature: string | null;
  /** Other devices of the same machine by their PDI; empty where the report does not name any. */
  switch_pdis: string[];
  gpu_pdis: string[];
  /** A switch's own PDI. */
  own_pdi: string | null;
  /** Numbers of the fields that are signed as well and not read here. */
  other_fields: number[];
};

const field = {
  driver: 3,
  vbios: 6,
  boardId: 14,
  chipSku: 15,
  project: 17,
  projectSku: 18,
  fwid: 20,
  switchPdi: 22,
  gpuPorts: 26,
  feature: 36,
} as const;
const read = new Set<number>(Object.values(field));
const features = ["spt", "mpt", "ppcie"];

/** Reads NVIDIA's opaque fields. @throws CaliberError EVIDENCE_REPORT_MALFORMED */
export function readClaims(opaque: Map<number, Buffer>, kind: DeviceKind): SignedClaims {
  const gpu = kind === "gpu";
  const sized = (id: number, bytes: number): Buffer | null => {
    const value = opaque.get(id) ?? null;
    if (value !== null && value.length !== bytes) throw malformed(id);
    return value;
  };
  const text = (id: number): string | null => {
    const value = opaque.get(id);
    if (value === undefined) return null;
    // Padded with NUL; printable ASCII, so that no log or console can be painted over.
    const match = /^([\x20-\x7e]{0,32})\0*$/.exec(value.toString("latin1"));
    if (match === null) throw malformed(id);
    return match[1] || null;
  };
  const feature = sized(field.feature, 2)?.readUInt16LE() ?? null;
  const pdis = (id: number): string[] => pdisOf(id, opaque.get(id));
  // 8 PDIs, then for each of the switch's 64 ports which of them is behind it.
  const ports = sized(field.gpuPorts, 128);
  return {
    driver_version: text(field.driver),
    vbios_version: gpu ? vbiosOf(sized(field.vbios, 8)) : text(field.vbios),
    project: text(field.project),
    project_sku: text(field.projectSku),
    chip_sku: text(field.chipSku),
    board_id: sized(field.boardId, 4)?.readUInt32LE() ?? null,
    fwid: sized(field.fwid, 48)?.toString("hex") ?? null,
    feature: feature === null ? null : (features[feature] ?? `code_${feature}`),
    // A GPU writes its switches' PDIs the other way round than certificates and switches do.
    switch_pdis: gpu ? [...new Set(pdis(field.switchPdi).map(reversed))] : [],
    gpu_pdis: [...new Set(pdisOf(field.gpuPorts, ports?.subarray(0, 64)))],
    own_pdi: gpu || sized(field.switchPdi, 8) === null ? null : (pdis(field.switchPdi)[0] ?? null),
    other_fields: [...opaque.keys()].filter((id) => !read.has(id)),
  };
}

/** 00 A5 00 96 01 … is 96.00.A5.00.01. */
function vbiosOf(bytes: Buffer | null): string | null {
  if (bytes === null) return null;
  return [3, 2, 1, 0, 4].map((at) => bytes.toString("hex", at, at + 1).toUpperCase()).join(".");
}

/** 8 bytes each; zeros where a port has nobody. */
function pdisOf(id: number, bytes: Buffer = Buffer.alloc(0)): string[] {
  if (bytes.length % 8 !== 0) throw malformed(id);
  const found = Array.from({ length: bytes.length / 8 }, (_, i) => bytes.toString("hex", i * 8, i * 8 + 8));
  return found.filter((pdi) => !/^0*$/.test(pdi)).map((pdi) => `0x${pdi}`);
}

function reversed(pdi: string): string {
  return `0x${Buffer.from(pdi.slice(2), "hex").reverse().toString("hex")}`;
}

function malformed(id: number): Error {
  return evidenceError("EVIDENCE_REPORT_MALFORMED", `opaque field ${id} is not of its form`);
}
