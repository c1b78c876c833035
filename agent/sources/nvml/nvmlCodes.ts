/** nvmlReturn_t (nvml.h), as far as a code means more to us than "no value". */
export const nvmlCodes = {
  success: 0,
  uninitialized: 1,
  notSupported: 3,
  noPermission: 4,
  insufficientSize: 7,
  insufficientPower: 8,
  driverNotLoaded: 9,
  interrupt: 11,
  functionNotFound: 13,
  gpuIsLost: 15,
  resetRequired: 16,
  versionMismatch: 18,
  gpuNotFound: 28,
  unknown: 999,
} as const;
