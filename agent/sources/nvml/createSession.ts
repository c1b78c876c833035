import { CaliberError } from "../../../protocol/errors.js";
import { noReading } from "../noReading.js";
import { createDeviceList, type Listing } from "./createDeviceList.js";
import { createProbe, type Probe } from "./createProbe.js";
import { createXidEvents, type XidEvents } from "./createXidEvents.js";
import type { NvmlAnswer, NvmlFull, NvmlRow, NvmlSettings } from "./messages.js";
import { nvmlCodes } from "./nvmlCodes.js";
import { type NvmlErrorCode, nvmlError, plainOf } from "./nvmlErrors.js";
import { type NvmlLibrary, openLibrary } from "./openLibrary.js";
import { lostRow, readFast } from "./readFast.js";
import { readHealth } from "./readHealth.js";
import { readInventory, readVersions } from "./readInventory.js";
import { takeXids } from "./takeXids.js";

type Open = {
  probe: Probe;
  list: ReturnType<typeof createDeviceList>;
  events: XidEvents | null;
  /** What nvmlDeviceGetCount said when the GPUs were listed; null before. */
  count: number | null;
  listing: Listing;
};
/** Where a GPU stood and what it said, also from before NVML was opened anew. */
type Remembered = { index: number | null; full: NvmlFull | null };

/** As many GPUs as the table beyond keeps. */
const maxRemembered = 512;

/**
 * One user of NVML: opens it when first asked, and anew after it broke (a driver reloaded, a library replaced). Every call
 * into C is made here, and any of them may never return.
 */
export function createSession(settings: NvmlSettings) {
  const remembered = new Map<string, Remembered>(
    settings.known.slice(0, maxRemembered).map((uuid) => [uuid, { index: null, full: null }]),
  );
  let library: NvmlLibrary | null = null;
  let open: Open | null = null;

  function opened(): Open {
    if (open !== null) return open;
    library ??= openLibrary(settings.library);
    const code = library.call.nvmlInit_v2();
    if (code !== nvmlCodes.success) throw nvmlError(code, "nvmlInit_v2");
    const probe = createProbe(library);
    const events = settings.xid_events ? createXidEvents(probe) : null;
    const list = createDeviceList(probe, ({ handle }) => events?.register(handle));
    open = { probe, list, events, count: null, listing: { devices: [], lost: [], problems: [] } };
    return open;
  }

  function shutDown(): void {
    if (open === null || library === null) return;
    const { list, events } = open;
    open = null;
    try {
      list.free();
      events?.free();
    } catch (error) {
      // A library that broke frees nothing more; it is about to be unloaded.
      if (!(error instanceof CaliberError)) throw error;
    }
    library.call.nvmlShutdown();
  }

  /** Also forgets the library: another driver comes with another one. */
  function close(): void {
    shutDown();
    library?.unload();
    library = null;
  }

  /** The GPUs, listed again when that is due; true when they were. */
  function refresh(now: Open, due: boolean): boolean {
    const count = now.probe.number("nvmlDeviceGetCount_v2");
    if (count === null) throw nvmlError(now.probe.lastCode(), "nvmlDeviceGetCount_v2");
    if (!due && count === now.count) return false;
    now.listing = now.list.list(count, new Map([...remembered].map(([uuid, { index }]) => [uuid, index])));
    now.count = count;
    return true;
  }

  function read(due: boolean): NvmlAnswer {
    const now = opened();
    const listed = refresh(now, due);
    const { probe, listing, events } = now;
    const versions = listed ? readVersions(probe) : null;
    const full: NvmlFull[] = [];
    const rows = listing.devices.map((device): NvmlRow => {
      const row = readFast(probe, device);
      if (versions !== null) {
        const { presence } = row;
        const health = presence === "lost" ? noReading.health : readHealth(probe, device.handle);
        full.push({ presence, inventory: readInventory(probe, device, versions), health });
        remember(device.uuid, { index: device.index, full: full.at(-1)! });
      }
      return row;
    });
    for (const uuid of listing.lost) {
      rows.push(lostRow(uuid));
      // What it said while it answered stands; one that was never read has said nothing.
      const before = remembered.get(uuid)?.full ?? null;
      if (before !== null) full.push({ ...before, presence: "lost", health: noReading.health });
    }
    // A GPU that is lost keeps its place: nothing about the others has changed.
    full.sort((a, b) => (a.inventory.index ?? 0) - (b.inventory.index ?? 0));
    return {
      ok: true,
      rows,
      full: listed ? full : null,
      xids: events === null ? [] : takeXids(events, listing.devices),
      problems: listing.problems.map(plainOf),
    };
  }

  function remember(uuid: string, what: Remembered): void {
    if (remembered.has(uuid) || remembered.size < maxRemembered) remembered.set(uuid, what);
  }

  return {
    /** Never throws for what NVML or the host does wrong. */
    round(request: { full: boolean; reopen: boolean }): NvmlAnswer {
      try {
        if (request.reopen) shutDown();
        return read(request.full);
      } catch (error) {
        if (!(error instanceof CaliberError)) throw error;
        close();
        return { ok: false, error: plainOf(error as CaliberError<NvmlErrorCode>) };
      }
    },
    close,
  };
}
