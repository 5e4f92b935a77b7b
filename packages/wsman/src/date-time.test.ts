import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { dateFromDateTime, dateTimeFromDate, DateTimeError, dateTimeFromIso, intervalFromMilliseconds, isInterval, isoFromDateTime, millisecondsFromDuration, millisecondsFromInterval, parseNativeDateTime } from "./date-time.ts";

test("points in time cross between native, ISO and Date with their microseconds and offset", () => {
  const cases: [string, string, string][] = [
    ["20251217095522.702341+000", "2025-12-17T09:55:22.702341Z", "2025-12-17T09:55:22.702Z"],
    ["20251217095522.702341+060", "2025-12-17T08:55:22.702341Z", "2025-12-17T08:55:22.702Z"],
    ["20240229235959.000000-090", "2024-03-01T01:29:59Z", "2024-03-01T01:29:59.000Z"],
    ["20250101000000.100000+000", "2025-01-01T00:00:00.1Z", "2025-01-01T00:00:00.100Z"],
  ];
  for (const [native, iso, date] of cases) {
    const value = parseNativeDateTime(native);
    assert.deepEqual([isoFromDateTime(value), dateFromDateTime(value).toISOString(), isInterval(value)], [{ element: "Datetime", text: iso }, date, false]);
  }
  assert.equal(dateTimeFromDate(new Date("2025-12-17T09:55:22.702Z")).native, "20251217095522.702000+000");
  assert.equal(dateTimeFromIso("2025-12-17T09:55:22.702341Z").native, "20251217095522.702341+000");
  assert.equal(dateTimeFromIso("2025-12-17T09:55:22.7023419+01:30").native, "20251217082522.702341+000");
  assert.equal(dateTimeFromIso("2025-12-17T09:55:22").native, "20251217095522.000000+000");
});

test("intervals cross between native, ISO and milliseconds", () => {
  const cases: [string, string, number][] = [
    ["00000000000030.000000:000", "P0DT0H0M30S", 30_000],
    ["00000000000001.004170:000", "P0DT0H0M1.00417S", 1004.17],
    ["00000012030405.000001:000", "P12DT3H4M5.000001S", 1_047_845_000.001],
  ];
  for (const [native, iso, durationMs] of cases) {
    const value = parseNativeDateTime(native);
    assert.deepEqual([isoFromDateTime(value), millisecondsFromInterval(value), isInterval(value)], [{ element: "Interval", text: iso }, durationMs, true]);
    assert.equal(dateTimeFromIso(iso).native, native);
  }
  assert.deepEqual(["PT20S", "PT60.000S", "PT1M", "P1DT1H", "PT0S", " PT1S "].map(millisecondsFromDuration), [20_000, 60_000, 60_000, 90_000_000, 0, 1000]);
});

test("an interval of any length is written in 25 characters and read back", () => {
  fc.assert(fc.property(fc.double({ min: 0, max: 8e12, noNaN: true }), (durationMs) => {
    const { native } = intervalFromMilliseconds(durationMs);
    assert.equal(native.length, 25);
    assert.ok(Math.abs(millisecondsFromInterval({ kind: "datetime", native }) - durationMs) <= Math.max(0.001, durationMs * 1e-12));
  }));
  assert.equal(intervalFromMilliseconds(1999.999_999_9).native, "00000000000002.000000:000");
});

test("refuses what is no time", () => {
  for (const text of ["", "2025-12-17", "20251217095522", "20251217095522.702341", "20251217095522.70234+000", "20251317095522.702341+000", "20250230000000.000000+000", "20251217246060.000000+000", "00000000250000.000000:000", "00000000000060.000000:000", "x".repeat(1000)]) {
    assert.throws(() => parseNativeDateTime(text), DateTimeError, text);
  }
  for (const text of ["", "P", "PT", "P1DT", "P1Y", "PT-1S", "-PT1S", "yesterday", "2025-13-01T00:00:00Z", "2025-01-01", "2025-01-01T25:00:00Z"]) {
    assert.throws(() => dateTimeFromIso(text), DateTimeError, text);
    assert.equal(millisecondsFromDuration(text), null, text);
  }
  assert.throws(() => dateFromDateTime(parseNativeDateTime("00000000000030.000000:000")), /interval/);
  assert.throws(() => millisecondsFromInterval(parseNativeDateTime("20251217095522.702341+000")), /point in time/);
});
