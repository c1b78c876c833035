import type Database from "better-sqlite3";
import type { Transport } from "viem";
import type { RegistryView } from "../registryView.js";

export class Killed extends Error {}

/** Counts the moments at which the world changes, and kills the process at one of them. */
export type Fate = {
  /** Passes a moment: throws when it is the last, and at everything after it. */
  act<T>(change: () => T): T;
  moments: number;
  dead: boolean;
};

/**
 * Dies at moment `at` (from 1), just before or just after the change. Reads change nothing, so a death at a read is
 * the death before the next change.
 */
export function fate(at: number, when: "before" | "after"): Fate {
  const self: Fate = {
    moments: 0,
    dead: false,
    act(change) {
      if (self.dead) throw new Killed();
      self.moments += 1;
      const last = self.moments === at;
      if (last && when === "before") {
        self.dead = true;
        throw new Killed();
      }
      const result = change();
      if (last) {
        self.dead = true;
        if (result instanceof Promise) {
          return result.then(() => {
            throw new Killed();
          }) as typeof result;
        }
        throw new Killed();
      }
      return result;
    },
  };
  return self;
}

function alive<T>(life: Fate, read: () => T): T {
  if (life.dead) throw new Killed();
  return read();
}

export function mortalView(view: RegistryView, life: Fate): RegistryView {
  return {
    candidates: () => alive(life, view.candidates),
    consents: () => alive(life, view.consents),
    amendments: () => alive(life, view.amendments),
    rotations: () => alive(life, view.rotations),
    replacements: () => alive(life, view.replacements),
    tokenHealth: () => alive(life, view.tokenHealth),
    holderOf: (token_id) => alive(life, () => view.holderOf(token_id)),
    origin: view.origin,
    logSize: () => alive(life, view.logSize),
    rootAt: (size) => alive(life, () => view.rootAt(size)),
    checkpoint: () => alive(life, view.checkpoint),
    haltCheckpoints: (why) => life.act(() => view.haltCheckpoints(why)),
    requestConsent: (device, authorization) => life.act(() => view.requestConsent(device, authorization)),
    requestRotation: (device, rotation) => life.act(() => view.requestRotation(device, rotation)),
    requestReplacement: (device, replacement) => life.act(() => view.requestReplacement(device, replacement)),
    tellReplacement: (token_id, told) => life.act(() => view.tellReplacement(token_id, told)),
    record: (body) => life.act(() => view.record(body)),
  };
}

export function mortalTransport(inner: Transport, life: Fate): Transport {
  return (options) => {
    const transport = inner(options);
    const request: typeof transport.request = async (args, requestOptions) => {
      const send = () => transport.request(args, requestOptions);
      const { method } = args as { method: string };
      const result = await (method === "eth_sendRawTransaction" ? life.act(send) : alive(life, send));
      return alive(life, () => result as never);
    };
    return { ...transport, request };
  };
}

/** Dies inside transactions too: what was not committed is rolled back, as a kill would have it. */
export function mortalDatabase(db: Database.Database, life: Fate): Database.Database {
  return new Proxy(db, {
    get(target, name) {
      if (name === "prepare") {
        return (source: string) => {
          const statement = target.prepare(source);
          return new Proxy(statement, {
            get(_, method) {
              const value = Reflect.get(statement, method);
              if (typeof value !== "function") return value;
              return (...args: unknown[]) => {
                const call = () => Reflect.apply(value, statement, args);
                return method === "run" ? life.act(call) : alive(life, call);
              };
            },
          });
        };
      }
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
