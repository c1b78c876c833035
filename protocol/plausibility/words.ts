/** Numbers as evidence writes them. */
export const words = {
  watts: (mw: number): string => `${(mw / 1000).toFixed(mw < 100_000 ? 1 : 0)} W`,
  percent: (permille: number): string => `${Math.round(permille) / 10} %`,
  seconds: (ms: number): string => `${(ms / 1000).toFixed(1)} s`,
  joules: (mj: number): string => `${Math.round(mj / 1000)} J`,
};
