import { estimateMemory } from "../../artifacts/index.js";
import { formatBytes, formatMemory } from "../../support/index.js";
import { type ReleasePlaces, releaseReaders } from "../releases/find-releases.js";
import type { Release } from "../releases/release.js";
import { type CheckResult, passed, runCheck } from "./check-result.js";

export interface ReleaseChecks {
  readonly results: readonly CheckResult[];
  /** The valid releases, grouped by directory. */
  readonly directories: readonly (readonly Release[])[];
}

export async function checkReleases(places: ReleasePlaces): Promise<ReleaseChecks> {
  const directories: (readonly Release[])[] = [];
  const results: CheckResult[] = [];
  for (const read of releaseReaders(places)) {
    const found = await runCheck(async () => {
      const releases = await read();
      directories.push(releases);
      return releases.flatMap(describeRelease);
    });
    results.push(...found);
  }
  return { results, directories };
}

function describeRelease(release: Release): CheckResult[] {
  const { name, architecture, squashfs } = release;
  const memory = formatMemory(estimateMemory(release));
  const squashfsSize = formatBytes(squashfs.size);
  return [
    passed(`${name} for ${architecture} is complete`),
    passed(
      `machines need at least about ${memory} of memory for it (the squashfs takes ${squashfsSize})`,
    ),
  ];
}
