/** What caliberd takes evidence from. A GPU's evidence can stand for collateral, a switch's cannot. */
export type DeviceKind = "gpu" | "switch";
export type DeviceArchitecture = "hopper" | "blackwell" | "ls10";

/** Chips by the name in their certificates, and the byte before the PDI in the serial of the BROM certificate. */
export const deviceKinds: readonly {
  chip: RegExp;
  kind: DeviceKind;
  architecture: DeviceArchitecture;
  prefix: string;
}[] = [
  { chip: /^GH1[0-9A-Z]{2}$/, kind: "gpu", architecture: "hopper", prefix: "41" },
  { chip: /^GB[12][0-9A-Z]{2}$/, kind: "gpu", architecture: "blackwell", prefix: "41" },
  { chip: /^LS_10$/, kind: "switch", architecture: "ls10", prefix: "50" },
];
