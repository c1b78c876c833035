import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { CaliberError } from "../../../protocol/errors.js";
import type { XidEvent } from "../../../protocol/report/schema.js";
import type { GpuName, Supplement, SuppliedReading } from "../supplement.js";
import { createDcgm, type DcgmOptions } from "./createDcgm.js";

const uuid = "GPU-c4529c8d-69c4-b61d-e0bc-7b2460096005";
const line = (name: string, value: string | number) =>
  `DCGM_FI_${name}{gpu="0",UUID="${uuid}",pci_bus_id="00000000:53:00.0",Hostname="n"} ${value}\n`;

const servers: Server[] = [];
const running: Supplement[] = [];
afterEach(async () => {
  for (const supplement of running.splice(0)) await supplement.stop();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** An exporter that answers what `answer` holds then. */
async function exporter(handle: RequestListener): Promise<string> {
  const server = createServer(handle);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
}

async function follow(url: string, options: Partial<DcgmOptions> = {}) {
  const clock = { wall: 1_700_000_000_000, mono: 5000 };
  const readings: (readonly SuppliedReading[])[] = [];
  const xids: { gpu: GpuName; event: XidEvent }[] = [];
  const problems: CaliberError[] = [];
  const supplement = createDcgm({
    url,
    clock: { now_ms: () => clock.wall, mono_ms: () => clock.mono },
    interval_ms: 20,
    timeout_ms: 300,
    ...options,
  });
  running.push(supplement);
  await supplement.start({
    onReadings: (one) => readings.push(one),
    onXid: (gpu, event) => xids.push({ gpu, event }),
    onProblem: (error) => problems.push(error),
  });
  return { clock, readings, xids, problems, supplement };
}

async function until(check: () => boolean): Promise<void> {
  const end = Date.now() + 5000;
  while (!check()) {
    if (Date.now() > end) expect.unreachable("it never came true");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe("createDcgm", () => {
  it("supplies readings until three scrapes later, and Xids that change", async () => {
    let answer = line("DEV_POWER_USAGE", "113.611") + line("DEV_XID_ERRORS", 31);
    const url = await exporter((_, response) => response.end(answer));
    const { readings, xids, problems } = await follow(url);
    expect(readings).toEqual([
      [
        {
          gpu: { uuid, bus_id: "00000000:53:00.0" },
          until_mono_ms: 5060,
          values: { power_mw: 113_611 },
        },
      ],
    ]);
    await until(() => readings.length > 2);
    expect(xids).toEqual([]);
    answer = line("DEV_XID_ERRORS", 79);
    await until(() => xids.length > 0);
    const scrapes = readings.length;
    await until(() => readings.length > scrapes + 2);
    expect(xids).toEqual([
      {
        gpu: { uuid, bus_id: "00000000:53:00.0" },
        event: {
          xid: 79,
          first_ms: 1_700_000_000_000,
          last_ms: 1_700_000_000_000,
          count: 1,
          source: "dcgm",
          detail: null,
          resolution: "RESTART_BM",
          severity: "lost",
          rules: 1,
        },
      },
    ]);
    expect(problems).toEqual([]);
  });

  it("tells each problem once, not with every scrape, and takes the good lines beside a bad one", async () => {
    const url = await exporter((_, response) =>
      response.end(`${line("PROF_SM_ACTIVE", "1.5")}DCGM_FI_DEV_GPU_TEMP{ 5\n`),
    );
    const { readings, problems } = await follow(url);
    await until(() => readings.length > 3);
    expect(readings[0]![0]!.values).toEqual({ sm_activity_permille: 1000 });
    expect(problems.map(({ code }) => code)).toEqual(["DCGM_TEXT_MALFORMED", "DCGM_SM_ACTIVE_ABOVE_ONE"]);
    expect(problems[0]!.message).toContain("line 2");
  });

  it("says so when an exporter repeats old values, and supplies none of them", async () => {
    let energy = 7;
    const url = await exporter((_, response) =>
      response.end(line("DEV_TOTAL_ENERGY_CONSUMPTION", energy) + line("DEV_GPU_UTIL", 99)),
    );
    const { clock, readings, problems } = await follow(url);
    expect(readings.at(-1)).toHaveLength(1);
    clock.mono += 200_000;
    await until(() => problems.length > 0);
    expect(problems.map(({ code }) => code)).toEqual(["DCGM_STALE"]);
    expect(readings.at(-1)).toEqual([]);
    energy = 8;
    await until(() => readings.at(-1)!.length === 1);
  });

  it("leaves out what the exporter itself dates long ago", async () => {
    const url = await exporter((_, response) =>
      response.end(
        `${line("DEV_GPU_UTIL", 99).trim()} 1699999000000\n${line("DEV_GPU_TEMP", 40).trim()} 1699999999990\n`,
      ),
    );
    const { readings } = await follow(url);
    expect(readings[0]![0]!.values).toEqual({ temp_mc: 40_000 });
  });

  it.each<[string, string, RequestListener]>([
    ["an error", "DCGM_HTTP_STATUS", (_, response) => void response.writeHead(500).end("no")],
    [
      "a redirect",
      "DCGM_HTTP_STATUS",
      (_, response) => void response.writeHead(302, { location: "/x" }).end(),
    ],
    ["never", "DCGM_TIMEOUT", () => undefined],
    [
      "a byte now and then",
      "DCGM_TIMEOUT",
      (_, response) => {
        const timer = setInterval(() => response.write("#"), 20);
        response.on("close", () => clearInterval(timer));
      },
    ],
    ["half of it", "DCGM_UNREACHABLE", (_, response) => void response.write("# a", () => response.destroy())],
    [
      "without end",
      "DCGM_TOO_LARGE",
      (_, response) => {
        const part = "#".repeat(1024 * 1024);
        const more = () => {
          while (!response.destroyed && response.write(part));
        };
        response.on("drain", more);
        more();
      },
    ],
    ["another thing", "DCGM_NO_GPUS", (_, response) => void response.end("go_goroutines 8\n")],
  ])("an exporter that answers %s is %s, once, and tried again", async (_name, code, handle) => {
    let asked = 0;
    let well = false;
    const url = await exporter((request, response) => {
      asked++;
      if (well) response.end(line("DEV_GPU_TEMP", 40));
      else handle(request, response);
    });
    // 16 MiB take a while on a busy machine.
    const timeout_ms = code === "DCGM_TOO_LARGE" ? 10_000 : 300;
    const { problems, readings } = await follow(url, { timeout_ms });
    await until(() => asked > 2);
    expect(problems.map((problem) => problem.code)).toEqual([code]);
    well = true;
    await until(() => (readings.at(-1) ?? []).length === 1);
  });

  it("an exporter that is not there, and an address that is none", async () => {
    const url = await exporter(() => undefined);
    const server = servers.pop()!;
    await new Promise((resolve) => server.close(resolve));
    const gone = await follow(url);
    expect(gone.problems).toMatchObject([{ code: "DCGM_UNREACHABLE", details: "ECONNREFUSED" }]);
    expect((await follow("https://127.0.0.1/metrics")).problems).toMatchObject([
      { code: "DCGM_URL_INVALID" },
    ]);
    expect((await follow("nonsense")).problems).toMatchObject([{ code: "DCGM_URL_INVALID" }]);
  });

  it("stops at once, also in the middle of a scrape, and tells nothing afterwards", async () => {
    const url = await exporter(() => undefined);
    const problems: unknown[] = [];
    const supplement = createDcgm({ url, clock: { now_ms: () => 0, mono_ms: () => 0 }, timeout_ms: 60_000 });
    const started = supplement.start({
      onReadings: () => problems.push("readings"),
      onXid: () => problems.push("xid"),
      onProblem: (error) => problems.push(error),
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await supplement.stop();
    await started;
    expect(problems).toEqual([]);
  });
});
