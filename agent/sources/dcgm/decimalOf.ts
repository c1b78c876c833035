const form = /^(-?)\+?(\d*)\.?(\d*)(?:e([+-]?\d{1,3}))?$/i;
/** Beyond it lies nothing that a GPU counts, and a text of few characters would make a number of millions. */
const maxDigits = 40;

/**
 * A decimal in text (`6.8347e+01`) times ten to the power of `shift`, cut to an integer, without ever being a float; null
 * for NaN, infinities and all that is no decimal.
 */
export function decimalOf(text: string, shift = 0): bigint | null {
  const match = form.exec(text);
  if (match === null) return null;
  const [, sign, whole = "", fraction = "", exponent = "0"] = match;
  const digits = whole + fraction;
  const scale = Number(exponent) + shift - fraction.length;
  if (digits === "" || digits.length > maxDigits || digits.length + scale > maxDigits) return null;
  const value =
    scale >= 0
      ? BigInt(digits) * 10n ** BigInt(scale)
      : BigInt(digits.slice(0, Math.max(0, digits.length + scale)) || "0");
  return sign === "-" ? -value : value;
}
