import type { HostFiles } from "../hostFacts/hostFiles.js";
import type { Check } from "./check.js";
import { findings } from "./findings.js";

/** May this user open the GPUs' device files? `canUse` says whether a path can be opened for reading and writing. */
export function checkDeviceFiles(files: HostFiles, canUse: (path: string) => boolean): Check {
  return {
    id: "device-files",
    run() {
      const gpus = files.list("/dev").filter((name) => /^nvidia\d{1,4}$/.test(name));
      const control = files.exists("/dev/nvidiactl");
      if (gpus.length === 0 && !control) {
        if (!files.exists("/proc/driver/nvidia/version")) {
          return findings.unknown(
            "There are no GPU device files, as no driver is loaded.",
            "Load the driver first.",
          );
        }
        return findings.fail(
          "The driver is loaded, but there are no device files (/dev/nvidiactl, /dev/nvidia0 …).",
          "Run `nvidia-modprobe -c 0 -u` as root, or start nvidia-persistenced, which makes them.",
        );
      }
      const names = [...(control ? ["nvidiactl"] : []), ...gpus];
      const closed = names.filter((name) => !canUse(`/dev/${name}`));
      if (closed.length > 0) {
        return findings.fail(
          `This user may not open ${closed.map((name) => `/dev/${name}`).join(", ")}.`,
          "Add the user to the group that owns these files, or let the driver make them for all (NVreg_DeviceFileMode=0666).",
        );
      }
      return findings.ok(`This user may open the device files of ${gpus.length} GPUs.`);
    },
  };
}
