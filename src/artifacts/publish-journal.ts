import { join } from "node:path";
import { tryReadSmallFile } from "../support/index.js";
import { isFileName } from "./netboot-json.js";

/** Prefix of the hidden names under which output is prepared. */
export const stagingPrefix = ".kairos-netboot-";

/** While files are renamed into a directory one by one, this file lists all names concerned. */
export const publishJournalName = `${stagingPrefix}publishing`;

/** Names that a run may have left if it was killed while it published. */
export async function readPublishJournal(directory: string): Promise<string[]> {
  const bytes = await tryReadSmallFile(join(directory, publishJournalName));
  return (bytes?.toString("utf8") ?? "").split("\n").filter(isFileName);
}
