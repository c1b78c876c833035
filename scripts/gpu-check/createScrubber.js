/**
 * Replaces what names a GPU or a machine by made-up values of the same form, the same one everywhere, so that fixtures
 * can be published and still join.
 */
export function createScrubber(results) {
  const names = new Map();
  const add = (value, made) => {
    // Shorter than this it could be part of anything.
    if (typeof value === "string" && value.length >= 6 && !/^0+$/.test(value) && !names.has(value)) {
      names.set(value, made(names.size + 1));
    }
  };
  const digits = (value) => (n) => String(n).padStart(value.length, "0").slice(-value.length);
  for (const { gpus, host } of results) {
    for (const { uuid, inventory, telemetry } of gpus) {
      add(uuid, (n) => `GPU-00000000-0000-0000-0000-${hex(n, 12)}`);
      for (const { uuid: mig } of inventory?.mig_devices ?? []) {
        add(mig, (n) => `MIG-00000000-0000-0000-0000-${hex(n, 12)}`);
      }
      add(inventory?.pdi, (n) => `0x${hex(n, 16)}`);
      for (const text of [inventory?.serial, inventory?.chassis_serial]) add(text, digits(text ?? ""));
      add(telemetry?.fabric?.cluster_uuid, (n) => `00000000-0000-0000-0000-${hex(n, 12)}`);
    }
    for (const name of ["serial", "board_serial", "chassis_serial"])
      add(host?.[name], digits(host?.[name] ?? ""));
    for (const name of ["machine_id", "boot_id"]) add(host?.[name], (n) => hex(n, host[name].length));
  }
  const ordered = [...names].sort(([a], [b]) => b.length - a.length);
  return (text) => {
    let said = text;
    for (const [name, made] of ordered) said = said.replaceAll(name, made);
    for (const [pattern, made] of elsewhere) said = said.replace(pattern, made);
    return said;
  };
}

/** What names others on the machine, in the raw outputs alone: programs, hosts, fabric ids. */
const elsewhere = [
  [/(<process_name>)[^<]*/g, "$1program"],
  [/(<(?:gpu_fabric_guid|infiniband_guid)>)(?!N\/A)[^<]*/g, "$10x0000000000000000"],
  [/([Hh]ostname=")[^"]*/g, "$1host"],
  [/(\b(?:exported_)?(?:pod|pod_uid|namespace|container)=")[^"]+/g, "$1tenant"],
  // A program's name in the kernel's log may hold blanks.
  [/\bname=[^,\n"]+/g, "name=program"],
];

const hex = (n, length) => n.toString(16).padStart(length, "0");
