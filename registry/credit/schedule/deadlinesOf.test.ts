import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arbitraryOrigination } from "../testing/arbitraryTerms.js";
import { utc } from "../testing/testTerms.js";
import { dateOfEpochDay, daysInMonth, epochDayOf } from "./civilDate.js";
import { deadlinesOf } from "./deadlinesOf.js";

const dates = (deadlines_s: number[]): string[] =>
  deadlines_s.map((at_s) => new Date(at_s * 1000).toISOString().replace(":00.000Z", ""));

const spec = fc.record({
  total_duration_days: fc.integer({ min: 1, max: 4_000 }),
  day: fc.integer({ min: 1, max: 31 }),
  timezone_offset_s: fc.integer({ min: -43_200, max: 50_400 }),
});

describe("civil dates", () => {
  it("agree with the platform's calendar", () => {
    fc.assert(
      fc.property(fc.integer({ min: -100_000, max: 2_900_000 }), (day) => {
        const { year, month, day: of } = dateOfEpochDay(day);
        const date = new Date(day * 86_400_000);
        expect([year, month, of]).toEqual([date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()]);
        expect(epochDayOf(year, month, of)).toBe(day);
        expect(daysInMonth(year, month)).toBe(new Date(Date.UTC(year, month, 0)).getUTCDate());
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("deadlines", () => {
  it("fall on the anchor's day at midnight, after a stub", () => {
    const { has_stub, deadlines_s } = deadlinesOf(
      { total_duration_days: 90, day: 15, timezone_offset_s: 0 },
      utc(2026, 3, 20, 9),
    );
    expect(has_stub).toBe(true);
    // 20 March 09:00 + 90 days = 18 June 09:00, so July closes.
    expect(dates(deadlines_s)).toEqual([
      "2026-04-15T00:00",
      "2026-05-15T00:00",
      "2026-06-15T00:00",
      "2026-07-15T00:00",
    ]);
  });

  it("start within the month when its anchor is still ahead, and a month on when origination is on it", () => {
    const of = (day: number, hour: number) =>
      deadlinesOf({ total_duration_days: 1, day: 15, timezone_offset_s: 0 }, utc(2026, 3, day, hour));
    expect(dates(of(14, 23).deadlines_s)).toEqual(["2026-03-15T00:00", "2026-04-15T00:00"]);
    expect(of(14, 23).has_stub).toBe(true);
    expect(dates(of(15, 0).deadlines_s)).toEqual(["2026-04-15T00:00"]);
    expect(of(15, 23).has_stub).toBe(false);
    expect(of(16, 0).has_stub).toBe(true);
  });

  it("are clamped to short months, in leap years and others, and go back to the day", () => {
    const of = (year: number) =>
      dates(
        deadlinesOf({ total_duration_days: 88, day: 31, timezone_offset_s: 0 }, utc(year, 1, 31)).deadlines_s,
      );
    expect(of(2027)).toEqual(["2027-02-28T00:00", "2027-03-31T00:00", "2027-04-30T00:00"]);
    expect(of(2028)).toEqual(["2028-02-29T00:00", "2028-03-31T00:00", "2028-04-30T00:00"]);
    // Origination on the clamped day is on the anchor.
    const clamped = deadlinesOf({ total_duration_days: 1, day: 31, timezone_offset_s: 0 }, utc(2027, 2, 28));
    expect(clamped.has_stub).toBe(false);
    expect(dates(clamped.deadlines_s)).toEqual(["2027-03-31T00:00"]);
    const century = deadlinesOf({ total_duration_days: 1, day: 30, timezone_offset_s: 0 }, utc(2100, 2, 1));
    expect(dates(century.deadlines_s)[0]).toBe("2100-02-28T00:00");
  });

  it("are local midnights: the day of origination is the loan's own", () => {
    const eastern = { total_duration_days: 1, day: 15, timezone_offset_s: -18_000 };
    // 02:00 UTC on the 15th is still the 14th there.
    const before = deadlinesOf(eastern, utc(2026, 3, 15, 2));
    expect(before.has_stub).toBe(true);
    expect(dates(before.deadlines_s)[0]).toBe("2026-03-15T05:00");
    expect(dates(deadlinesOf(eastern, utc(2026, 3, 15, 5)).deadlines_s)).toEqual(["2026-04-15T05:00"]);
    const kiritimati = { total_duration_days: 1, day: 1, timezone_offset_s: 50_400 };
    expect(dates(deadlinesOf(kiritimati, utc(2026, 12, 31, 9)).deadlines_s)).toEqual([
      "2026-12-31T10:00",
      "2027-01-31T10:00",
    ]);
  });

  it("end on an anchor that is exactly at the floor", () => {
    const spec = { total_duration_days: 31, day: 15, timezone_offset_s: 0 };
    expect(dates(deadlinesOf(spec, utc(2026, 3, 15)).deadlines_s)).toEqual(["2026-04-15T00:00"]);
    expect(dates(deadlinesOf(spec, utc(2026, 3, 15) + 1).deadlines_s)).toHaveLength(2);
  });

  it("ascend by a month, hold exactly one past the floor, and stand on the clamped day", () => {
    fc.assert(
      fc.property(spec, arbitraryOrigination, (terms, origination_s) => {
        const { has_stub, deadlines_s } = deadlinesOf(terms, origination_s);
        const floor_s = origination_s + terms.total_duration_days * 86_400;
        expect(deadlines_s.filter((at_s) => at_s >= floor_s)).toHaveLength(1);
        let before_s = origination_s;
        for (const [i, at_s] of deadlines_s.entries()) {
          const days = (at_s - before_s) / 86_400;
          expect(days).toBeGreaterThan(0);
          expect(days).toBeLessThanOrEqual(31);
          if (i > 0) expect(days).toBeGreaterThanOrEqual(28);
          const local = new Date((at_s + terms.timezone_offset_s) * 1000);
          const month_end = new Date(Date.UTC(local.getUTCFullYear(), local.getUTCMonth() + 1, 0));
          expect(local.getUTCDate()).toBe(Math.min(terms.day, month_end.getUTCDate()));
          expect(local.getTime() % 86_400_000).toBe(0);
          before_s = at_s;
        }
        const origin = new Date((origination_s + terms.timezone_offset_s) * 1000);
        const originEnd = new Date(Date.UTC(origin.getUTCFullYear(), origin.getUTCMonth() + 1, 0));
        expect(has_stub).toBe(origin.getUTCDate() !== Math.min(terms.day, originEnd.getUTCDate()));
      }),
      { numRuns: 300 },
    );
  });

  it("are refused for times that the contract would wrap", () => {
    const terms = { total_duration_days: 1, day: 1, timezone_offset_s: -43_200 };
    expect(() => deadlinesOf(terms, 0)).toThrow(expect.objectContaining({ code: "SCHEDULE_TIME" }));
    expect(() => deadlinesOf(terms, Number.NaN)).toThrow(expect.objectContaining({ code: "SCHEDULE_TIME" }));
  });
});
