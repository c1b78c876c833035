/** One place that the kernel's log can be read from. */
export type LogReader = {
  /**
   * Hands over what came since the last call, a bounded number of lines, each without its line feed and with the wall
   * time at which the kernel told it, as far as this log knows. True when there is more to read already.
   *
   * @throws Error when the log cannot be read any longer
   */
  poll(onLine: (line: string, at_ms: number) => void): boolean;
  close(): Promise<void>;
};

/** Lines that one poll hands over at most: some 10 ms of work. What is left comes with the next one. */
export const maxLinesPerPoll = 4000;
