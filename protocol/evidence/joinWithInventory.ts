import type { InventoryBody } from "../report/schema.js";
import type { VerifiedEvidence } from "./verifyReport.js";

export type JoinedField =
  | "architecture"
  | "driver_version"
  | "vbios_version"
  | "project"
  | "project_sku"
  | "chip_sku"
  | "pdi";

/** One value that the GPU signed beside what nvidia-smi said. */
export type InventoryJoin = {
  field: JoinedField;
  signed: string | null;
  declared: string | null;
  /** `not_comparable`: one of the two is absent. Never a match. */
  outcome: "match" | "mismatch" | "not_comparable";
};

type Inventory = Pick<
  InventoryBody,
  | "architecture"
  | "driver_version"
  | "vbios_version"
  | "board_part_number"
  | "gpu_part_number"
  | "inforom_image_version"
  | "pdi"
>;

/**
 * Holds signed evidence against what nvidia-smi declared. A match of all but `pdi` shows the model, not the unit: the
 * report carries no UUID and no serial. A mismatch is a finding about the declaration, since the evidence is signed.
 */
export function joinWithInventory(evidence: VerifiedEvidence, inventory: Inventory): InventoryJoin[] {
  const { claims, architecture, pdi } = evidence;
  const board = projectOf(inventory.inforom_image_version, inventory.board_part_number);
  return [
    compare("architecture", architecture, inventory.architecture?.toLowerCase() ?? null),
    compare("driver_version", claims.driver_version, inventory.driver_version),
    compare("vbios_version", claims.vbios_version, inventory.vbios_version?.toUpperCase() ?? null),
    compare("project", claims.project, board.project),
    compare("project_sku", claims.project_sku, board.project_sku),
    compare("chip_sku", claims.chip_sku, chipSkuOf(inventory.gpu_part_number)),
    // nvidia-smi prints a number, the certificate bytes; which way round is not documented, so both are taken.
    compare("pdi", inventory.pdi === turned(pdi) ? turned(pdi) : pdi, inventory.pdi),
  ];
}

function compare(field: JoinedField, signed: string | null, declared: string | null): InventoryJoin {
  if (signed === null || declared === null) return { field, signed, declared, outcome: "not_comparable" };
  return { field, signed, declared, outcome: signed === declared ? "match" : "mismatch" };
}

/**
 * From the infoROM's image G520.0200.00.05, or else from the board part number 692-2G520-0200-000: its second group
 * without the first digit, and its third. The infoROM comes first: boards that were replaced carry part numbers of
 * assembly (965-2G520-A800-000 on a G520.0200), whose third group is no project SKU.
 */
function projectOf(
  image: string | null,
  part: string | null,
): { project: string | null; project_sku: string | null } {
  const match =
    /^([0-9A-Z]{4})\.([0-9]{4})\./.exec(image ?? "") ??
    /^[0-9]{3}-[0-9]([0-9A-Z]{4})-([0-9]{4})-[0-9]{3}$/.exec(part ?? "");
  return { project: match?.[1] ?? null, project_sku: match?.[2] ?? null };
}

/** 2330-885-A1: PCI device id, chip SKU, stepping. */
function chipSkuOf(part: string | null): string | null {
  return /^[0-9A-F]{4}-([0-9A-Z]{3})-[0-9A-Z]{2}$/.exec(part ?? "")?.[1] ?? null;
}

function turned(pdi: string): string {
  return `0x${Buffer.from(pdi.slice(2), "hex").reverse().toString("hex")}`;
}
