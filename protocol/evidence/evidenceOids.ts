/** Object identifiers in NVIDIA's device certificates, beyond those of protocol/x509. */
export const evidenceOids = {
  serialNumber: "2.5.4.5",
  ecdsaWithSha384: "1.2.840.10045.4.3.3",
  sha384: "2.16.840.1.101.3.4.2.2",
  /** DSP0274: otherName of a device, `manufacturer:product:serial`. */
  deviceInfo: "1.3.6.1.4.1.412.274.1",
  /** TCG DICE: the firmware for which a key was certified. Hopper's form and Blackwell's. */
  compositeDeviceId: "2.23.133.5.4.1",
  tcbInfo: "2.23.133.5.4.1.1",
} as const;
