const units = { s: 1, m: 60, h: 60 * 60, d: 24 * 60 * 60 } as const;
/** Seconds. Shorter ones would have machines ask all the time, longer ones are as good as for ever. */
const bounds = { least: 60, most: 365 * units.d };

/** Seconds from `90s`, `30m`, `12h`, `7d`, or a number of seconds; undefined for anything else. */
export function parseLeaseTime(text: string): number | undefined {
  const words = /^(\d{1,9})([smhd]?)$/.exec(text);
  if (words === null) return undefined;
  const seconds = Number(words[1]) * units[(words[2] || "s") as keyof typeof units];
  return seconds >= bounds.least && seconds <= bounds.most ? seconds : undefined;
}
