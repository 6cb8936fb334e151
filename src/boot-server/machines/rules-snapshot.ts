import type { BeforeRead } from "../files/file-snapshot.js";
import { FileSnapshot } from "../files/file-snapshot.js";
import type { Release } from "../releases/release.js";
import { loadRules, type RuleSources } from "./load-rules.js";
import type { Rules } from "./rules.js";

export interface SnapshotSources extends Omit<RuleSources, "releases" | "directories"> {
  /** The releases by the directories they are in. */
  readReleases(beforeRead: BeforeRead): Promise<Release[][]>;
}

/** What the files said at one time, and how they were before that. */
export interface RulesSnapshot {
  readonly releaseFiles: FileSnapshot;
  readonly ruleFiles: FileSnapshot;
  /** Undefined where something was wrong. */
  readonly rules: Rules | undefined;
  readonly error?: unknown;
}

/** One that went well. */
export type ValidSnapshot = RulesSnapshot & { readonly rules: Rules };

export function isValid(reading: RulesSnapshot): reading is ValidSnapshot {
  return reading.rules !== undefined;
}

/** Never fails: that is what is read, too. */
export async function readSnapshot(sources: SnapshotSources): Promise<RulesSnapshot> {
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

export async function haveChanged({ releaseFiles, ruleFiles }: RulesSnapshot): Promise<boolean> {
  return (await releaseFiles.hasChanged()) || (await ruleFiles.hasChanged());
}
