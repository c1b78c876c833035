/**
 * Device id of an NVIDIA GPU (4 hex digits in upper case) from how sources print it: `233010DE`, `0x233010DE`. Null when
 * it is no such thing: absent, another maker's, or blanked out.
 */
export function pciIdOf(pci_device_id: string | null): string | null {
  const id = /^(?:0x)?([0-9a-f]{4})10de$/i.exec(pci_device_id ?? "")?.[1]?.toUpperCase();
  return id === undefined || id === "0000" ? null : id;
}
