import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { detect } from "../../agent/sources/nvidiaSmi/detect.js";
import { CaliberError } from "../../protocol/errors.js";
import type { DeviceView } from "../../registry/api/deviceView.js";
import { createEnrolToken } from "../../registry/createEnrolToken.js";
import type { FeedItem } from "../../registry/events/eventFeed.js";
import type { Scenario } from "../../test/simulator/scenario.js";
import { type ApiClient, apiClient } from "../apiClient.js";
import { createParts, type Parts } from "./createParts.js";
import { startDevChain } from "./devChain.js";
import type { Display } from "./display.js";
import {
  agentOf,
  enrolment,
  type HostPlan,
  hostDir,
  isEnrolled,
  pointHost,
  realHost,
  simulatedHosts,
} from "./hosts.js";
import { lockUp } from "./lockUp.js";
import { readToken } from "./readToken.js";
import { recipientAddress } from "./recipientAddress.js";
import { registryPart } from "./registryPart.js";
import { stablePorts } from "./stablePorts.js";
import type { Part } from "./startPart.js";
import { untilPartsEnded } from "./untilPartsEnded.js";
import { untilReady } from "./untilReady.js";

const refresh_ms = 1000;
const tokenLife_ms = 10 * 60_000;
const ready_ms = 30_000;
/** How long the parts of a start that was killed may take to end. */
const patience_ms = 5000;

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
  readonly #parts: Parts;
  readonly #failure: Promise<never>;
  #fail: (error: unknown) => void = () => undefined;
  #agents = new Map<string, Part>();
  #timers: NodeJS.Timeout[] = [];
  #title_contract: string | null = null;
  #api: ApiClient | null = null;
  /** The last event shown. */
  #after = 0;
  #unlock: () => void = () => undefined;

  constructor(display: Display) {
    this.#display = display;
    this.#failure = new Promise((_resolve, reject) => {
      this.#fail = reject;
    });
    this.#failure.catch(() => undefined);
    this.#parts = createParts((error) => this.#fail(error));
  }

  /** Runs until somebody asks for the end. @throws what made a part fail */
  async run(options: StartOptions, asked: Promise<unknown>): Promise<void> {
    const work = this.#start(options).then(() => this.#watch());
    // When the end is asked for in the middle of it, what it was about fails, and nobody wants to hear of it.
    work.catch(() => undefined);
    await Promise.race([work, this.#failure, asked]);
  }

  /** Stops everything, also what is only being started. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    const late = await this.#parts.stop();
    if (late.length > 0) this.#display.note(`Did not end in time and had to be killed: ${late.join(", ")}.`);
    this.#unlock();
  }

  async #start(options: StartOptions): Promise<void> {
    const { data_dir, scenario, scenario_file, wanted, window_ms, simulate } = options;
    const logs = join(data_dir, "logs");
    mkdirSync(logs, { recursive: true, mode: 0o700 });
    this.#unlock = lockUp(data_dir);
    const registry_dir = join(data_dir, "registry");
    const labels = ["this-machine", ...scenario.hosts.map(({ name }) => name)];
    const dirs = { registry: registry_dir, hosts: labels.map((label) => hostDir(data_dir, label)) };
    await untilPartsEnded(dirs, patience_ms);
    const ports = await stablePorts(join(data_dir, "ports.json"), wanted, patience_ms);
    const found = simulate ? null : await detect({ path: "nvidia-smi", env: {} }, { timeout_ms: 10_000 });
    const count = `${scenario.hosts.length} simulated ${scenario.hosts.length === 1 ? "host" : "hosts"}`;
    if (found?.found === true) this.#display.note(`Reading this machine's own ${found.gpus} GPUs.`);
    else if (found === null) this.#display.note(`${count}, as asked: everything below is simulated.`);
    else this.#display.note(`No NVIDIA GPU here (${found.reason}): ${count} instead.`);

    const chain = await startDevChain({
      dir: join(data_dir, "chain"),
      port: ports.rpc,
      logs,
      start: (part) => this.#parts.start("chain", part),
    });
    // The development chain is this machine's own: when it begins anew, so do the titles.
    this.#title_contract = chain.title_contract;
    const token_file = join(data_dir, "api.token");
    const api_token = readToken(token_file, registry_dir);
    const registry = this.#parts.start(
      "registry",
      registryPart({ dir: registry_dir, logs, window_ms, ports, chain }),
    );
    await untilReady(registry, ready_ms);
    const api_url = `http://127.0.0.1:${ports.api}`;
    this.#api = apiClient(api_url, api_token);
    this.#after = await this.#lastEvent();

    const epoch_ms = Date.now();
    const hosts =
      found?.found === true
        ? [realHost(data_dir)]
        : simulatedHosts(data_dir, scenario_file, scenario.hosts, epoch_ms);
    const enrol_url = `https://localhost:${ports.enrol}`;
    const recipient = recipientAddress(join(data_dir, "recipient.key"));
    await Promise.all(
      hosts.map(async (host) => {
        pointHost(host, { mqtt_url: `mqtts://localhost:${ports.mqtt}`, enrol_url });
        if (!isEnrolled(host)) await this.#enrol(host, { registry_dir, recipient, enrol_url, logs });
        this.#startAgent(host, logs);
        if (host.simulated) this.#planSilence(host, scenario, epoch_ms, logs);
      }),
    );
    this.#display.note(`Read API ${api_url}, its token in ${token_file}. Ctrl-C stops everything.`);
  }

  /** Shows what goes on. */
  async #watch(): Promise<never> {
    for (;;) {
      try {
        await this.#show();
      } catch (error) {
        // A registry that has just ended is told as that, by whoever watches its process.
        await Promise.race([this.#failure, sleep(refresh_ms)]);
        throw error;
      }
      await sleep(refresh_ms, undefined, { ref: false });
    }
  }

  async #show(): Promise<void> {
    const { events, next } = (await this.#api!.get(`/v1/events?after=${this.#after}&limit=500`)) as {
      events: FeedItem[];
      next: number;
    };
    this.#after = next;
    const { devices, log_size } = (await this.#api!.get("/v1/devices")) as {
      devices: DeviceView[];
      log_size: number;
    };
    this.#display.show({ devices, log_size, now_ms: Date.now() }, events);
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

  async #enrol(
    host: HostPlan,
    at: { registry_dir: string; recipient: string; enrol_url: string; logs: string },
  ): Promise<void> {
    const token = createEnrolToken({
      data_dir: at.registry_dir,
      url: at.enrol_url,
      recipient: at.recipient,
      operator: host.label,
      valid_ms: tokenLife_ms,
      now_ms: Date.now(),
    });
    const part = this.#parts.start("host", enrolment(host, token, at.logs), true);
    const code = await part.ended;
    if (code !== 0) {
      throw new CaliberError("PART_FAILED", `${part.name} ended with code ${code}`, {
        details: `see ${part.log_file}`,
      });
    }
  }

  #startAgent(host: HostPlan, logs: string): void {
    this.#agents.set(host.label, this.#parts.start("host", agentOf(host, logs, this.#title_contract)));
  }

  /** A silent host is one whose power is cut: its agent is killed, and started again when the silence ends. */
  #planSilence(host: HostPlan, scenario: Scenario, epoch_ms: number, logs: string): void {
    for (const event of scenario.events) {
      if (event.do !== "silence" || event.host !== host.label) continue;
      this.#at(epoch_ms + event.at_s * 1000, () => this.#parts.cutPower(this.#agents.get(host.label)!));
      if (event.until_s !== null) {
        this.#at(epoch_ms + event.until_s * 1000, async () => this.#startAgent(host, logs));
      }
    }
  }

  #at(time_ms: number, work: () => Promise<void>): void {
    this.#timers.push(setTimeout(() => work().catch(this.#fail), Math.max(0, time_ms - Date.now())));
  }
}
