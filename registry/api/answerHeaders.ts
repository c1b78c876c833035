/** What every answer of the API carries: nothing of it is to be cached, guessed at, or shown inside another page. */
export const answerHeaders = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
} as const;
