/** Order n of P-256 (FIPS 186-5), and the largest low S: (n - 1) / 2. */
export const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
export const p256HalfOrder = Buffer.from(((p256Order - 1n) / 2n).toString(16).padStart(64, "0"), "hex");
