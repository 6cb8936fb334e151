import { FilesAsRead } from "../files/file-snapshot.js";
import type { OnFile, Release } from "../releases/release.js";
import { type RuleSources, readRuleBook } from "./load-rules.js";
import type { Rules } from "./rules.js";

export interface LiveSources extends Omit<RuleSources, "releases" | "directories"> {
  /** The releases by the directories they are in. */
  readReleases(onFile: OnFile): Promise<Release[][]>;
}

/** What the files said at one time, and how they were before that. */
export interface Reading {
  readonly releaseFiles: FilesAsRead;
  readonly ruleFiles: FilesAsRead;
  /** Undefined where something was wrong. */
  readonly rules: Rules | undefined;
  readonly error?: unknown;
}

/** One that went well. */
export type GoodReading = Reading & { readonly rules: Rules };

export function isGood(reading: Reading): reading is GoodReading {
  return reading.rules !== undefined;
}

/** Never fails: that is what is read, too. */
export async function readOnce(sources: LiveSources): Promise<Reading> {
  const files = { releaseFiles: new FilesAsRead(), ruleFiles: new FilesAsRead() };
  try {
    const directories = await sources.readReleases((file) => files.releaseFiles.note(file));
    const releases = directories.flat();
    const rules = await readRuleBook({ ...sources, releases, directories }, (file) =>
      files.ruleFiles.note(file),
    );
    return { ...files, rules };
  } catch (error) {
    return { ...files, rules: undefined, error };
  }
}

export async function haveChanged({ releaseFiles, ruleFiles }: Reading): Promise<boolean> {
  return (await releaseFiles.haveChanged()) || (await ruleFiles.haveChanged());
}
