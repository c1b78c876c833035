import { describe, expect, it } from "vitest";
import { deviceViews } from "../../test/support/deviceViews.js";
import { tableDisplay } from "./tableDisplay.js";

/** What one drawing puts on a terminal of this size: its lines, without what moves the cursor. */
function draw(count: number, columns: number, rows: number): string[] {
  let drawn = "";
  const io = {
    out: (text: string) => {
      drawn = text;
    },
    err: () => undefined,
  };
  const display = tableDisplay(io, () => ({ columns, rows }));
  display.note(
    "a note that is a good deal longer than the smallest of terminals is wide, so that it must be cut",
  );
  display.show({ devices: deviceViews(count), log_size: 1, now_ms: 1000 }, []);
  expect(drawn.startsWith("\x1b[H")).toBe(true);
  expect(drawn.endsWith("\x1b[J")).toBe(true);
  return drawn.slice(3, -3).replaceAll("\x1b[K", "").trimEnd().split("\n");
}

describe("tableDisplay", () => {
  it.each([
    [16, 120, 40],
    [16, 80, 24],
    [16, 80, 18],
    [40, 80, 24],
    [16, 40, 10],
  ])("fits %i devices into %i columns and %i rows", (count, columns, rows) => {
    const lines = draw(count, columns, rows);
    // One line is the cursor's.
    expect(lines.length).toBeLessThan(rows);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
  });

  it("shows every device where they fit, and says how many it hides where not", () => {
    const shown = draw(16, 80, 24).filter((line) => line.startsWith("sim-a"));
    expect(shown).toHaveLength(16);
    const cut = draw(40, 80, 24);
    const hidden = /(\d+) more/.exec(cut.join("\n"))?.[1];
    expect(cut.filter((line) => line.startsWith("sim-a")).length + Number(hidden)).toBe(40);
  });
});
