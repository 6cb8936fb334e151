import { NetbootError } from "./errors.js";

const second = 1000;
const durations: Readonly<Record<string, number>> = {
  s: second,
  m: 60 * second,
  h: 3600 * second,
  d: 24 * 3600 * second,
  w: 7 * 24 * 3600 * second,
};
const prefixes = ["", "K", "M", "G", "T", "P"];

/**
 * Milliseconds of `90s`, `5m`, `12h`, `30d` or `2w`; `0` needs no unit.
 * @param name of the option, for the message
 * @throws NetbootError USAGE_INVALID
 */
export function parseDuration(text: string, name: string): number {
  const [, number, unit] = /^(\d{1,6}(?:\.\d{1,3})?)([smhdw])$/.exec(text) ?? [];
  if (/^0+$/.test(text)) return 0;
  if (number !== undefined) return Math.round(Number(number) * durations[unit!]!);
  throw new NetbootError(
    "USAGE_INVALID",
    `${name} has to be a time, not ${JSON.stringify(text)}.`,
    "Write a number and a unit: 90s, 5m, 12h, 30d or 2w.",
  );
}

/**
 * Bytes of `500M`, `20G`, `20GB` (powers of 1000, as sizes are shown) or `20GiB` (powers of 1024).
 * Only 0 needs no unit: who leaves it out of 20 does not mean 20 bytes.
 * @param name of the option, for the message
 * @throws NetbootError USAGE_INVALID
 */
export function parseSize(text: string, name: string): number {
  const [, number, unit, prefix, binary] =
    /^(\d{1,15}(?:\.\d{1,6})?)(([KMGTP]?)(?:(i)?B)?)$/i.exec(text) ?? [];
  const power = prefixes.indexOf(prefix?.toUpperCase() ?? "");
  const isClear = unit || Number(number) === 0;
  if (number !== undefined && isClear && !(binary && power === 0)) {
    return Math.round(Number(number) * (binary ? 1024 : 1000) ** power);
  }
  throw new NetbootError(
    "USAGE_INVALID",
    `${name} has to be a size, not ${JSON.stringify(text)}.`,
    "Write a number and a unit: 500M, 20G or 20GiB.",
  );
}

/** For people: `12 s`, `5 min`, `3 h`, `30 d`. */
export function formatDuration(milliseconds: number): string {
  const units: [name: string, length: number][] = [
    ["d", durations.d!],
    ["h", durations.h!],
    ["min", durations.m!],
  ];
  for (const [name, length] of units) {
    if (milliseconds >= 2 * length) return `${Math.floor(milliseconds / length)} ${name}`;
  }
  return `${Math.round(milliseconds / second)} s`;
}

/** An estimate of memory: half gigabytes, rounded up. */
export function formatMemory(bytes: number): string {
  return `${Math.ceil((bytes / 1e9) * 2) / 2} GB`;
}
