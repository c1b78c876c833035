/** The router's scale of rates and balances. */
export const fixedPoint = 10n ** 18n;
