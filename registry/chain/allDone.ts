/**
 * Waits for all, then throws the first error if there was one. Unlike Promise.all nothing goes on behind the back of
 * a caller that has seen the error.
 */
export async function allDone<T>(promises: Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(promises);
  return results.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}
