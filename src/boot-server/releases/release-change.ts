import type { Release } from "./release.js";

/** Whether machines are given the same by both, in the same order. */
export function areSameReleases(some: readonly Release[], others: readonly Release[]): boolean {
  return JSON.stringify(some.map(givenBy)) === JSON.stringify(others.map(givenBy));
}

/** In a sentence, for who made the directories again. */
export function describeReleaseChange(now: readonly Release[], before: readonly Release[]): string {
  if (areSameReleases(now, before)) return `The releases are all right again: ${listOf(now)}.`;
  const come = now.filter(({ name }) => !namesOf(before).includes(name));
  const gone = before.filter(({ name }) => !namesOf(now).includes(name));
  const again = now.filter((one) => !come.includes(one) && !before.some(isAlike(one)));
  const parts: string[] = [];
  if (come.length > 0 && gone.length > 0) parts.push(`${listOf(come)} instead of ${listOf(gone)}`);
  else if (come.length > 0) parts.push(`${listOf(come)} as well`);
  else if (gone.length > 0) parts.push(`${listOf(gone)} no more`);
  if (again.length > 0) parts.push(`${listOf(again)}, made again`);
  if (parts.length === 0) parts.push(`${listOf(now)}, in this order`);
  return `Served from now on: ${parts.join("; ")}.`;
}

function isAlike(one: Release): (other: Release) => boolean {
  return (other) => areSameReleases([one], [other]);
}

/** What a machine's boot depends on. */
function givenBy({ name, id, architecture, commandLine, cloudConfig }: Release): unknown {
  return [name, id, architecture, commandLine, cloudConfig?.text];
}

function namesOf(releases: readonly Release[]): string[] {
  return releases.map(({ name }) => name);
}

function listOf(releases: readonly Release[]): string {
  return namesOf(releases).join(", ");
}
