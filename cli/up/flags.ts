/** `{ "data-dir": "/x" }` → `--data-dir /x`, as arguments for another command. */
export function flags(values: Record<string, string | number>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [`--${name}`, String(value)]);
}
