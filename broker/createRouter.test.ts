import type { AedesPublishPacket } from "aedes";
import { describe, expect, it } from "vitest";
import { createRouter } from "./createRouter.js";

const packet = (topic: string) => ({ topic }) as AedesPublishPacket;

describe("createRouter", () => {
  it("delivers by name and by every level above, to no one else", () => {
    const router = createRouter();
    const heard: string[] = [];
    for (const filter of ["a/b/c", "a/b/#", "a/#", "a/b/c/#", "a/b", "a/bb/#", "b/#"]) {
      router.on(filter, () => heard.push(filter));
    }
    router.emit(packet("a/b/c"));
    expect(heard.sort()).toEqual(["a/#", "a/b/#", "a/b/c", "a/b/c/#"]);
  });

  it("is done before any subscriber is", () => {
    const router = createRouter();
    let done = false;
    router.on("a", () => undefined);
    router.emit(packet("a"), () => {
      done = true;
    });
    expect(done).toBe(true);
  });

  it("delivers no report and nothing of the broker's own, and stops when a listener is taken away", () => {
    const router = createRouter();
    const heard: string[] = [];
    const listen = ({ topic }: AedesPublishPacket): void => void heard.push(topic);
    router.on("x/report", listen).on("$SYS/a", listen).on("x", listen);
    router.emit(packet("x/report")).emit(packet("$SYS/a")).emit(packet("x"));
    router.removeListener("x", listen).emit(packet("x"));
    expect(heard).toEqual(["x"]);
  });
});
