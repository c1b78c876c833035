import { expect, it } from "vitest";
import { createGreeter } from "./createGreeter.js";

const online = (nonce: string): Buffer => Buffer.from(JSON.stringify({ state: "online", nonce }));
const nonce = "0123456789abcdef0123456789abcdef";

it("answers after the next commit, each host once a second, and nothing else", () => {
  let now = 1_000_000;
  const waiting: (() => void)[] = [];
  const answered: string[] = [];
  const greet = createGreeter({
    now_ms: () => now,
    afterCommit: (done) => void waiting.push(done),
    answer: (host, of) => void answered.push(`${host} ${of}`),
  });
  greet("h-a", online(nonce));
  expect(answered).toEqual([]);
  for (const done of waiting.splice(0)) done();
  expect(answered).toEqual([`h-a ${nonce}`]);

  now += 999;
  greet("h-a", online(nonce));
  greet("h-b", online(nonce));
  greet("h-c", Buffer.from('{"state":"offline"}'));
  greet("h-d", Buffer.from("garbage"));
  expect(waiting).toHaveLength(1);
  now += 1;
  greet("h-a", online(nonce));
  for (const done of waiting.splice(0)) done();
  expect(answered.slice(1)).toEqual([`h-b ${nonce}`, `h-a ${nonce}`]);
});
