import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { detect } from "../../agent/sources/nvidiaSmi/detect.js";
import { CaliberError } from "../../protocol/errors.js";
import type { DeviceView } from "../../registry/api/deviceView.js";
import { createEnrolToken } from "../../registry/createEnrolToken.js";
import type { FeedItem } from "../../registry/events/eventFeed.js";
import type { Scenario } from "../../test/simulator/scenario.js";
import { type ApiClient, apiClient } from "../apiClient.js";
import { initRegistry } from "../commands/registry/init.js";
import { startDevChain } from "./devChain.js";
import type { Display } from "./display.js";
import { flags } from "./flags.js";
import {
  caliberPath,
  enrolHost,
  type HostPlan,
  isEnrolled,
  realHost,
  simulatedHosts,
  startAgent,
} from "./hosts.js";
import { recipientAddress } from "./recipientAddress.js";
import { stablePorts } from "./stablePorts.js";
import { type Part, startPartUntilReady } from "./startPart.js";

const refresh_ms = 1000;
const tokenLife_ms = 10 * 60_000;

export type StartOptions = {
  data_dir: string;
  scenario: Scenario;
  scenario_file: string;
  wanted: Record<"mqtt" | "enrol" | "api" | "rpc", number>;
  window_ms: number;
  simulate: boolean;
};

/** Starts the parts in order of dependence, watches them, and stops them in reverse. */
export class Supervisor {
  readonly #display: Display;
  readonly #asked: Promise<unknown>;
  #isAsked = false;
  #chain: Part | null = null;
  #registry: Part | null = null;
  #agents = new Map<string, Part>();
  #timers: NodeJS.Timeout[] = [];
  #failure: Promise<never>;
  #fail: (error: unknown) => void = () => undefined;
  #api: ApiClient | null = null;
  /** The last event shown. */
  #after = 0;

  constructor(display: Display, asked: Promise<unknown>) {
    this.#display = display;
    this.#asked = asked.then(() => {
      this.#isAsked = true;
    });
    this.#failure = new Promise((_resolve, reject) => {
      this.#fail = reject;
    });
    this.#failure.catch(() => undefined);
  }

  async start({
    data_dir,
    scenario,
    scenario_file,
    wanted,
    window_ms,
    simulate,
  }: StartOptions): Promise<void> {
    const logs = join(data_dir, "logs");
    mkdirSync(logs, { recursive: true, mode: 0o700 });
    const ports = await stablePorts(join(data_dir, "ports.json"), wanted);
    const registryDir = join(data_dir, "registry");
    const found = simulate ? null : await detect({ path: "nvidia-smi", env: {} }, { timeout_ms: 10_000 });
    if (found?.found === true) this.#display.note(`Reading this machine's own ${found.gpus} GPUs.`);
    else if (found === null) this.#display.note("Simulated hosts, as asked: everything below is simulated.");
    else this.#display.note(`No NVIDIA GPU here (${found.reason}): two simulated hosts instead.`);

    const chain = await startDevChain(join(data_dir, "chain"), ports.rpc, logs);
    this.#chain = chain.part;
    this.#watchPart(chain.part);
    const { api_token } = initRegistry(registryDir, Date.now());
    const { part } = await startPartUntilReady(
      {
        name: "registry",
        command: process.execPath,
        args: [
          caliberPath,
          "registry",
          "run",
          "--exit-with-parent",
          ...flags({
            "data-dir": registryDir,
            policy: "demo",
            window: `${window_ms}ms`,
            tick: "1s",
            epoch: "30s",
            "anchor-every": "15s",
            "beacon-every": "5s",
            "mqtt-port": ports.mqtt,
            "enrol-port": ports.enrol,
            "api-port": ports.api,
            "rpc-url": chain.rpc_url,
            deployment: chain.deployment_file,
            "writer-key": chain.writer_key_file,
          }),
        ],
        env: { UV_THREADPOOL_SIZE: String(Math.max(1, availableParallelism() - 1)) },
        log_file: join(logs, "registry.log"),
      },
      30_000,
    );
    this.#registry = part;
    this.#watchPart(part);
    this.#api = apiClient(`http://127.0.0.1:${ports.api}`, api_token);

    this.#after = await this.#lastEvent();
    const epoch_ms = Date.now();
    const names = scenario.hosts.map(({ name }) => name);
    const hosts =
      found?.found === true ? [realHost(data_dir)] : simulatedHosts(data_dir, scenario_file, names, epoch_ms);
    const recipient = recipientAddress(join(data_dir, "recipient.key"));
    await Promise.all(
      hosts
        .filter((host) => !isEnrolled(host))
        .map((host) => {
          const token = createEnrolToken({
            data_dir: registryDir,
            url: `https://localhost:${ports.enrol}`,
            recipient,
            operator: host.label,
            valid_ms: tokenLife_ms,
            now_ms: Date.now(),
          });
          return enrolHost(host, token, logs);
        }),
    );
    for (const host of hosts) this.#startAgent(host, logs);
    for (const host of hosts.filter(({ simulated }) => simulated))
      this.#planSilence(host, scenario, epoch_ms, logs);
    this.#display.note(
      `Read API http://127.0.0.1:${ports.api}, data in ${data_dir}. Ctrl-C stops everything.`,
    );
  }

  /** Shows what goes on until somebody asks for the end, or a part fails. */
  async watch(): Promise<void> {
    while (!this.#isAsked) {
      const { events, next } = (await this.#api!.get(`/v1/events?after=${this.#after}&limit=500`)) as {
        events: FeedItem[];
        next: number;
      };
      this.#after = next;
      if (events.length > 0) this.#display.events(events);
      const { devices, log_size } = (await this.#api!.get("/v1/devices")) as {
        devices: DeviceView[];
        log_size: number;
      };
      this.#display.snapshot({ devices, log_size, now_ms: Date.now() });
      await Promise.race([sleep(refresh_ms), this.#asked, this.#failure]);
    }
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    const agents = [...this.#agents.values()];
    this.#agents.clear();
    const [registry, chain] = [this.#registry, this.#chain];
    this.#registry = null;
    this.#chain = null;
    // All of it within three seconds: agents first, so that their last reports still reach the registry.
    await Promise.all(agents.map((agent) => agent.stop(1200)));
    await registry?.stop(900);
    await chain?.stop(700);
  }

  /** Events that an earlier run told are not told again. */
  async #lastEvent(): Promise<number> {
    let after = 0;
    for (;;) {
      const { next } = (await this.#api!.get(`/v1/events?after=${after}&limit=1000`)) as { next: number };
      if (next === after) return after;
      after = next;
    }
  }

  #startAgent(host: HostPlan, logs: string): void {
    const agent = startAgent(host, logs);
    this.#agents.set(host.label, agent);
    this.#watchPart(agent);
  }

  /** A silent host is one whose power is cut: its agent is killed, and started again when the silence ends. */
  #planSilence(host: HostPlan, scenario: Scenario, epoch_ms: number, logs: string): void {
    for (const event of scenario.events) {
      if (event.do !== "silence" || event.host !== host.label) continue;
      this.#at(epoch_ms + event.at_s * 1000, async () => {
        const agent = this.#agents.get(host.label);
        this.#agents.delete(host.label);
        await agent?.kill();
      });
      if (event.until_s !== null) {
        this.#at(epoch_ms + event.until_s * 1000, async () => this.#startAgent(host, logs));
      }
    }
  }

  #at(time_ms: number, work: () => Promise<void>): void {
    this.#timers.push(setTimeout(() => work().catch(this.#fail), Math.max(0, time_ms - Date.now())));
  }

  /** A part that ends by itself is a failure; one that was taken off the list was meant to. */
  #watchPart(part: Part): void {
    part.ended.then((code) => {
      const current = [this.#chain, this.#registry, ...this.#agents.values()];
      if (current.includes(part)) {
        this.#fail(
          new CaliberError("PART_FAILED", `${part.name} ended with code ${code}`, {
            details: "see its log under logs/",
          }),
        );
      }
    }, this.#fail);
  }
}
