import type { Duplex } from "node:stream";
import type { CaliberError } from "../protocol/errors.js";
import type { FrameGuard } from "./createFrameGuard.js";
import type { TokenBucket } from "./createTokenBucket.js";

/**
 * Puts packet size and rate limits in front of whoever reads `socket` by `read()`, as aedes does. No second stream
 * stands between them: at ten thousand packets a second that would cost more than the limits themselves.
 *
 * A packet that is too large ends the connection before more of it is read. One who sends too fast is read later, so
 * that TCP holds it back; it loses nothing by that.
 */
export function guardSocket(
  socket: Duplex,
  guard: FrameGuard,
  bucket: TokenBucket,
  events: { onViolation(error: CaliberError): void; onThrottle(): void },
): void {
  const read = socket.read.bind(socket);
  let waiting: NodeJS.Timeout | null = null;
  socket.once("close", () => waiting !== null && clearTimeout(waiting));

  const resume = (): void => {
    waiting = null;
    socket.emit("readable");
  };

  socket.read = (size?: number): Buffer | null => {
    // read(0) only asks the stream to fetch; it takes nothing out.
    if (size === 0) return read(0) as null;
    if (waiting !== null) return null;
    const chunk = read(size) as Buffer | null;
    if (chunk === null) return null;
    let packets: number;
    try {
      packets = guard.feed(chunk);
    } catch (error) {
      events.onViolation(error as CaliberError);
      socket.destroy();
      return null;
    }
    // Monotonic: a bucket has no business with the time of day.
    const wait_ms = bucket.take(packets, performance.now());
    if (wait_ms > 0) {
      events.onThrottle();
      waiting = setTimeout(resume, wait_ms);
    }
    return chunk;
  };
}
