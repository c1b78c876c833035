/** A part that has a section in the configuration. */
export type Section = "agent" | "registry" | "up";

/** One member of a section. Its name is that of the option: `data-dir` is `--data-dir`. */
export type Setting = {
  /** `text` and `integer` are read by the command as from a flag: units, bounds and choices are its affair. */
  kind: "text" | "integer" | "boolean" | "list";
  /** The section's commands that take it: `["run"]` of `agent` is `agent run`. Empty for a section that is a command. */
  commands: readonly string[];
  /** What it says, and in parentheses what holds without it. Rows of docs/configuration.md. */
  says: string;
  /** An address that may carry a key in its path, query or user: shown as its origin alone. */
  secret?: true;
};

export type SettingTable = Readonly<Record<string, Setting>>;
