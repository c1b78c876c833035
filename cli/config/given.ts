export type SettingValue = string | number | boolean | readonly string[];

/** A setting that somebody gave: its value, and where it stands for whoever has to mend it. */
export type Given = { value: SettingValue; from: "file" | "environment" | "flag"; at: string };

/** Settings that are given, by name of the flag. */
export type GivenSettings = ReadonlyMap<string, Given>;
