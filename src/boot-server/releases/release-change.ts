import type { Release } from "./release.js";

/** True if both lists give machines the same releases, in the same order. */
export function areSameReleases(some: readonly Release[], others: readonly Release[]): boolean {
  return JSON.stringify(some.map(whatMachinesGet)) === JSON.stringify(others.map(whatMachinesGet));
}

/** One sentence for the person who changed the directories. */
export function describeReleaseChange(
  current: readonly Release[],
  previous: readonly Release[],
): string {
  if (areSameReleases(current, previous)) {
    return `All releases are valid again: ${listNames(current)}.`;
  }
  const added = current.filter(({ name }) => !namesOf(previous).includes(name));
  const removed = previous.filter(({ name }) => !namesOf(current).includes(name));
  const rebuilt = current.filter((one) => !added.includes(one) && !previous.some(isSameAs(one)));
  const parts: string[] = [];
  if (added.length > 0) parts.push(`added ${listNames(added)}`);
  if (removed.length > 0) parts.push(`removed ${listNames(removed)}`);
  if (rebuilt.length > 0) parts.push(`rebuilt ${listNames(rebuilt)}`);
  if (parts.length === 0) parts.push(`new order ${listNames(current)}`);
  return `The releases changed: ${parts.join("; ")}.`;
}

function isSameAs(one: Release): (other: Release) => boolean {
  return (other) => areSameReleases([one], [other]);
}

function whatMachinesGet({ name, id, architecture, commandLine, cloudConfig }: Release): unknown {
  return [name, id, architecture, commandLine, cloudConfig?.text];
}

function namesOf(releases: readonly Release[]): string[] {
  return releases.map(({ name }) => name);
}

function listNames(releases: readonly Release[]): string {
  return namesOf(releases).join(", ");
}
