/** The value when it lies in the schema's range, else null: a number out of range is no reading. */
export function within(
  value: number | null,
  minimum: number,
  maximum = Number.MAX_SAFE_INTEGER,
): number | null {
  return value !== null && value >= minimum && value <= maximum ? value : null;
}
