import type { CimDateTime } from "./cim.ts";

/**
 * Native CIM datetimes (DSP0004 5.2.4, 25 characters) ↔ the ISO forms WS-CIM carries (DSP0230 6.3). Points in time are
 * `yyyymmddHHMMSS.mmmmmm±UUU` with UUU in minutes; intervals are `ddddddddHHMMSS.mmmmmm:000`.
 */
export class DateTimeError extends Error {
  override readonly name = "DateTimeError";
}

const native = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\.(\d{6})([+-])(\d{3})$/;
const nativeInterval = /^(\d{8})(\d\d)(\d\d)(\d\d)\.(\d{6}):000$/;

export function isInterval(value: CimDateTime): boolean {
  return nativeInterval.test(value.native);
}

/** @throws DateTimeError when the text is neither form, or names a day or time that does not exist */
export function parseNativeDateTime(text: string): CimDateTime {
  if (!isPointInTime(text) && !isWholeInterval(text)) {
    throw new DateTimeError(`"${text.slice(0, 40)}" is not a CIM datetime. Write yyyymmddHHMMSS.mmmmmm+UUU or ddddddddHHMMSS.mmmmmm:000.`);
  }
  return { kind: "datetime", native: text };
}

function isPointInTime(text: string): boolean {
  const [, year, month, day, hour, minute, second] = native.exec(text) ?? [];
  if (year === undefined) return false;
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  return date.getUTCMonth() + 1 === Number(month) && date.getUTCDate() === Number(day) && isTimeOfDay(hour, minute, second);
}

function isWholeInterval(text: string): boolean {
  const [, days, hours, minutes, seconds] = nativeInterval.exec(text) ?? [];
  return days !== undefined && isTimeOfDay(hours, minutes, seconds);
}

function isTimeOfDay(hours: string | undefined, minutes: string | undefined, seconds: string | undefined): boolean {
  return Number(hours) < 24 && Number(minutes) < 60 && Number(seconds) < 60;
}

export function dateTimeFromDate(date: Date): CimDateTime {
  const text = date.toISOString();
  return { kind: "datetime", native: `${text.slice(0, 19).replace(/[-:T]/g, "")}.${text.slice(20, 23)}000+000` };
}

/** @throws DateTimeError for an interval */
export function dateFromDateTime(value: CimDateTime): Date {
  const parts = native.exec(value.native);
  if (!parts) throw new DateTimeError(`"${value.native}" is an interval, not a point in time.`);
  const [, year, month, day, hour, minute, second, micro, sign, offset] = parts;
  const utc = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second), Math.floor(Number(micro) / 1000));
  return new Date(utc - (sign === "-" ? -1 : 1) * Number(offset) * 60_000);
}

export function intervalFromMilliseconds(durationMs: number): CimDateTime {
  // Rounded once, before it is taken apart: a fraction that rounds up to a second belongs to the second.
  const total = Math.round(durationMs * 1000);
  const whole = Math.floor(total / 1_000_000);
  const micro = total - whole * 1_000_000;
  const digits = (value: number, width: number) => String(value).padStart(width, "0");
  const days = digits(Math.floor(whole / 86_400), 8);
  const time = digits(Math.floor(whole / 3600) % 24, 2) + digits(Math.floor(whole / 60) % 60, 2) + digits(whole % 60, 2);
  return { kind: "datetime", native: `${days}${time}.${digits(micro, 6)}:000` };
}

/** @throws DateTimeError for a point in time */
export function millisecondsFromInterval(value: CimDateTime): number {
  const parts = nativeInterval.exec(value.native);
  if (!parts) throw new DateTimeError(`"${value.native}" is a point in time, not an interval.`);
  const [, days, hours, minutes, seconds, micro] = parts;
  return ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60_000 + Number(seconds) * 1000 + Number(micro) / 1000;
}

/** The text inside `cim:Datetime` or `cim:Interval`; WinRM writes times in UTC and intervals with days, as `P0DT0H0M1.00417S`. */
export function isoFromDateTime(value: CimDateTime): { readonly element: "Datetime" | "Interval"; readonly text: string } {
  const interval = nativeInterval.exec(value.native);
  if (interval) {
    const [, days, hours, minutes, seconds, micro] = interval;
    const fraction = `.${micro}`.replace(/\.?0+$/, "");
    return { element: "Interval", text: `P${Number(days)}DT${Number(hours)}H${Number(minutes)}M${Number(seconds)}${fraction}S` };
  }
  const parts = native.exec(value.native);
  if (!parts) throw new DateTimeError(`"${value.native}" is not a CIM datetime.`);
  const micro = parts[7] ?? "000000";
  const fraction = micro === "000000" ? "" : `.${micro.replace(/0+$/, "")}`;
  return { element: "Datetime", text: `${dateFromDateTime(value).toISOString().slice(0, 19)}${fraction}Z` };
}

/** @throws DateTimeError when the text is neither an ISO time nor an ISO duration */
export function dateTimeFromIso(text: string): CimDateTime {
  const duration = /^P(?!$)(?:(\d+)D)?(?:T(?!$)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(text);
  if (duration) {
    const [, days, hours, minutes, seconds] = duration;
    return intervalFromMilliseconds((((Number(days ?? 0) * 24 + Number(hours ?? 0)) * 60 + Number(minutes ?? 0)) * 60 + Number(seconds ?? 0)) * 1000);
  }
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?$/.exec(text);
  const base = time && new Date(`${text.slice(0, 19)}${time[2] ?? "Z"}`);
  if (!time || !base || Number.isNaN(base.getTime())) throw new DateTimeError(`"${text.slice(0, 40)}" is not an ISO 8601 time or duration.`);
  const micro = (time[1] ?? "").padEnd(6, "0").slice(0, 6);
  return { kind: "datetime", native: `${base.toISOString().slice(0, 19).replace(/[-:T]/g, "")}.${micro}+000` };
}

/** Milliseconds of an xs:duration without years and months, as in `w:OperationTimeout`; null when it is not one. */
export function millisecondsFromDuration(text: string): number | null {
  try {
    const value = dateTimeFromIso(text.trim());
    return isInterval(value) ? millisecondsFromInterval(value) : null;
  } catch {
    return null;
  }
}
