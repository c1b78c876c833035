/** Exit codes that mean something (sysexits.h where one fits). */
export const exitCodes = {
  ok: 0,
  /** It did not work, and a bug or the world is to blame. */
  failed: 1,
  /** It works, and a person should look at something all the same. */
  attention: 2,
  /** The command line or the configuration is wrong. */
  usage: 64,
  /** It did not work this time: trying again may help. */
  retry: 75,
} as const;
