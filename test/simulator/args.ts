import { csvFields } from "./csvFields.js";

/** What one call asks for. */
export type SimCall = {
  what: "list" | "xml" | "csv";
  fields: readonly string[];
  header: boolean;
  units: boolean;
  /** Null: once. */
  loop_ms: number | null;
  /** As given to -i: indices, UUIDs or PCI addresses. */
  ids: readonly string[] | null;
};

/** A call that ends at once: nvidia-smi's message and exit code. */
export type SimExit = { exit: number; message: string };

const bad = (message: string): SimExit => ({ exit: 2, message });

/** Reads the command line as far as the simulator goes. Order of arguments does not matter. */
export function parseArgs(argv: readonly string[]): SimCall | SimExit {
  let query = false;
  let xml = false;
  let list = false;
  let fields: string[] | null = null;
  let format: string[] | null = null;
  let loop_ms: number | null = null;
  let ids: string[] | null = null;

  for (let index = 0; index < argv.length; index++) {
    const [name, inline] = splitOption(argv[index]!);
    const value = () => inline ?? argv[++index] ?? "";
    switch (name) {
      case "-h":
      case "--help":
        return { exit: 0, message: "nvidia-smi [OPTION1 [ARG1]] [OPTION2 [ARG2]] ..." };
      case "-L":
      case "--list-gpus":
        list = true;
        break;
      case "-q":
      case "--query":
        query = true;
        break;
      case "-x":
      case "--xml-format":
        xml = true;
        break;
      case "--query-gpu":
        fields = value()
          .split(",")
          .map((field) => field.trim());
        break;
      case "--format":
        format = value()
          .split(",")
          .map((option) => option.trim());
        break;
      case "-l":
      case "--loop":
        loop_ms = Number(value()) * 1000;
        break;
      case "-lms":
      case "--loop-ms":
        loop_ms = Number(value());
        break;
      case "-i":
      case "--id":
        ids = value().split(",");
        break;
      default:
        return bad(
          `Invalid combination of input arguments. Please run 'nvidia-smi -h' for help.\n\nERROR: Option ${argv[index]} is not recognized. Please run 'nvidia-smi -h'.`,
        );
    }
  }
  if (loop_ms !== null && !(Number.isSafeInteger(loop_ms) && loop_ms > 0)) {
    return bad("ERROR: The loop interval is not a positive number.");
  }
  const common = { loop_ms, ids, fields: fields ?? [], header: true, units: true };
  if (list) return { ...common, what: "list" };
  if (fields !== null) {
    const unknown = fields.find((field) => !csvFields.has(field));
    if (unknown !== undefined) return bad(`Field "${unknown}" is not a valid field to query.\n`);
    if (format === null || !format.includes("csv")) {
      return bad('ERROR: The option "--format=csv" is mandatory with a query.');
    }
    const header = !format.includes("noheader");
    return { ...common, what: "csv", header, units: !format.includes("nounits") };
  }
  if (query && xml) return { ...common, what: "xml" };
  return bad("ERROR: The simulator prints -L, -q -x and --query-gpu only.");
}

function splitOption(argument: string): [name: string, inline: string | undefined] {
  const at = argument.startsWith("--") ? argument.indexOf("=") : -1;
  return at < 0 ? [argument, undefined] : [argument.slice(0, at), argument.slice(at + 1)];
}
