import { expect, it } from "vitest";
import { printable } from "./printable.js";

it("leaves text alone and takes the sting out of what would move a cursor, a line or the direction", () => {
  expect(printable("NVIDIA H100 80GB HBM3, ü 漢 😀")).toBe("NVIDIA H100 80GB HBM3, ü 漢 😀");
  expect(printable("a\r\nb\x1b[2Jc\x00\x7f\x9b\u202ed\u2028\u2066\ud800")).toBe("a??b?[2Jc????d???");
});
