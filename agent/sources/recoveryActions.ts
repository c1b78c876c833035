/**
 * nvmlDeviceGpuRecoveryAction_t by number, in nvidia-smi's words where it has some and else in the header's. DCGM hands
 * the number on. One that is not here is an action all the same.
 */
export const recoveryActions: readonly string[] = [
  "none",
  "reset",
  "reboot",
  "drain_p2p",
  "drain_and_reset",
  "recover_imex_domain",
  "bus_reset",
  "system_reboot",
];
