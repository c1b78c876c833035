/** The branch of an NVIDIA driver (`580.95.05` → 580); null for what is no driver version, or none at all. */
export function driverBranchOf(driver_version: string | null): number | null {
  const branch = /^(\d{3})\.\d{2,3}(\.\d{2})?$/.exec(driver_version ?? "")?.[1];
  return branch === undefined ? null : Number(branch);
}
