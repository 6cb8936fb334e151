import { type BeforeRead, FileSnapshot } from "../files/file-snapshot.js";
import type { Release } from "../releases/release.js";
import { loadRules, type RuleSources } from "./load-rules.js";
import type { Rules } from "./rules.js";

export interface SnapshotSources extends Omit<RuleSources, "releases" | "directories"> {
  /** Reads the releases, grouped by directory. */
  readReleases(beforeRead: BeforeRead): Promise<Release[][]>;
}

/** The contents of the files at one time, with the state of the files. */
export interface RulesSnapshot {
  readonly releaseFiles: FileSnapshot;
  readonly ruleFiles: FileSnapshot;
  /** Undefined if something is invalid. */
  readonly rules: Rules | undefined;
  readonly error?: unknown;
}

export type ValidSnapshot = RulesSnapshot & { readonly rules: Rules };

export function isValid(snapshot: RulesSnapshot): snapshot is ValidSnapshot {
  return snapshot.rules !== undefined;
}

/** Never fails: an error is part of the snapshot. */
export async function takeRulesSnapshot(sources: SnapshotSources): Promise<RulesSnapshot> {
  const files = { releaseFiles: new FileSnapshot(), ruleFiles: new FileSnapshot() };
  try {
    const directories = await sources.readReleases((file) => files.releaseFiles.add(file));
    const releases = directories.flat();
    const rules = await loadRules({ ...sources, releases, directories }, (file) =>
      files.ruleFiles.add(file),
    );
    return { ...files, rules };
  } catch (error) {
    return { ...files, rules: undefined, error };
  }
}

export async function hasChanged({ releaseFiles, ruleFiles }: RulesSnapshot): Promise<boolean> {
  return (await releaseFiles.hasChanged()) || (await ruleFiles.hasChanged());
}
