import { usageError } from "./errors.js";

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const durationUnitsMs: ReadonlyMap<string, number> = new Map([
  ["s", secondMs],
  ["m", minuteMs],
  ["h", hourMs],
  ["d", dayMs],
  ["w", 7 * dayMs],
]);
const sizePrefixes = ["", "K", "M", "G", "T", "P"];

/**
 * Milliseconds of a duration such as `90s`, `5m`, `12h`, `30d`, or `2w`; only `0` may omit the unit.
 * @returns undefined for any other text
 */
export function durationMs(text: string): number | undefined {
  if (/^0+$/.test(text)) return 0;
  const [, number, unit = ""] = /^(\d{1,6}(?:\.\d{1,3})?)([smhdw])$/.exec(text) ?? [];
  const unitMs = durationUnitsMs.get(unit);
  if (number === undefined || unitMs === undefined) return undefined;
  return Math.round(Number(number) * unitMs);
}

/**
 * Milliseconds of the duration that a user gave for an option; see `durationMs`.
 * @param name the option, for the message
 * @throws NetbootError USAGE_INVALID
 */
export function parseDuration(text: string, name: string): number {
  const milliseconds = durationMs(text);
  if (milliseconds !== undefined) return milliseconds;
  throw usageError(
    `${name} must be a duration, not ${JSON.stringify(text)}.`,
    "Write a number and a unit: 90s, 5m, 12h, 30d, or 2w.",
  );
}

/**
 * Bytes of `500M`, `20G`, `20GB` (powers of 1000, as `formatBytes` prints them) or `20GiB` (powers
 * of 1024). Only 0 may omit the unit: a user who writes 20 does not mean 20 bytes.
 * @param name the option, for the message
 * @throws NetbootError USAGE_INVALID
 */
export function parseSize(text: string, name: string): number {
  const [, number, unit, prefix, binary] =
    /^(\d{1,15}(?:\.\d{1,6})?)(([KMGTP]?)(?:(i)?B)?)$/i.exec(text) ?? [];
  const power = sizePrefixes.indexOf(prefix?.toUpperCase() ?? "");
  const isClear = unit || Number(number) === 0;
  if (number !== undefined && isClear && !(binary && power === 0)) {
    return Math.round(Number(number) * (binary ? 1024 : 1000) ** power);
  }
  throw usageError(
    `${name} must be a size, not ${JSON.stringify(text)}.`,
    "Write a number and a unit: 500M, 20G, or 20GiB.",
  );
}

/** A duration for people: `12 s`, `5 min`, `3 h`, `30 d`. */
export function formatDuration(milliseconds: number): string {
  const units: [name: string, lengthMs: number][] = [
    ["d", dayMs],
    ["h", hourMs],
    ["min", minuteMs],
  ];
  for (const [name, lengthMs] of units) {
    if (milliseconds >= 2 * lengthMs) return `${Math.floor(milliseconds / lengthMs)} ${name}`;
  }
  return `${Math.round(milliseconds / secondMs)} s`;
}

/** How long ago something happened, for people: `12 s ago`, `5 min ago`, or `now`. */
export function formatAge(milliseconds: number): string {
  return milliseconds < 1000 ? "now" : `${formatDuration(milliseconds)} ago`;
}

/** A number of bytes for people: `735.2 MB` (powers of 1000, as disks and networks are sold). */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit]}`;
}

/** An estimate of memory: half gigabytes, rounded up. */
export function formatMemory(bytes: number): string {
  return `${Math.ceil((bytes / 1e9) * 2) / 2} GB`;
}
