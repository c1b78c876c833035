/** Text of one row's cell by the field's name; undefined when the query did not ask for it. */
export type Cells = (field: string) => string | undefined;

/** Names that nvidia-smi takes for one field, with the one used here. */
const aliases: Readonly<Record<string, string>> = {
  gpu_name: "name",
  gpu_uuid: "uuid",
  gpu_serial: "serial",
  gpu_bus_id: "pci.bus_id",
  "clocks.sm": "clocks.current.sm",
  "clocks.max.gr": "clocks.max.graphics",
};

/** A column's name without the unit that a header may add: `power.draw [W]` is `power.draw`. */
export function fieldOf(column: string): string {
  const name = column.trim().replace(/ \[[^\]]{0,16}\]$/, "");
  return Object.hasOwn(aliases, name) ? aliases[name]! : name;
}

/** Reads a row's cells by the names in `fields`, in column order. */
export function csvCells(fields: readonly string[], cells: readonly string[]): Cells {
  return (field) => {
    const index = fields.indexOf(field);
    return index < 0 ? undefined : cells[index];
  };
}
