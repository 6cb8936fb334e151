import { chmod, chown, copyFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeDirectories, systemCode } from "../support/index.js";
import { sha256OfText } from "./artifact-files.js";
import { descriptionName } from "./netboot-json.js";
import {
  journalName,
  ownNames,
  readDescription,
  readJournal,
  stagingPrefix,
} from "./output-directory.js";

/** NAME_MAX of Linux's file systems, in bytes. */
const longestName = 255;

/** Where earlier output stands for the moment between two renames. */
function previousPath(destination: string): string {
  const own = basename(destination);
  const name = `${stagingPrefix}previous-${own}`;
  const isTooLong = Buffer.byteLength(name) > longestName;
  const path = isTooLong ? `${stagingPrefix}previous-${sha256OfText(own)}` : name;
  return join(dirname(destination), path);
}

/**
 * Mends what a run left that was killed in `replaceDirectory`: between its renames earlier output is
 * put back, behind them it goes away.
 */
export async function mendPrevious(destination: string): Promise<void> {
  const previous = previousPath(destination);
  if (!(await exists(previous))) return;
  const isThere = await exists(destination);
  const whole = await readDescription(isThere ? destination : previous);
  if (whole === undefined) return;
  if (!isThere) await rename(previous, destination);
  // Another user's cannot be removed, and need not be.
  else await rm(previous, { recursive: true, force: true }).catch(() => {});
}

/**
 * Renames a directory into the place of another one, whose contents go away. Whom it belongs to and
 * who may read it stay as they were.
 */
export async function replaceDirectory(directory: string, destination: string): Promise<void> {
  const previous = previousPath(destination);
  try {
    if (!(await exists(destination))) return await rename(directory, destination);
    await passOnRights(destination, directory);
    await rm(previous, { recursive: true, force: true });
    await rename(destination, previous);
  } catch (error) {
    // A mount point that does not show as one (a bind mount of the same file system), or a
    // directory that only its owner may rename, or give to another.
    if (!["EBUSY", "EXDEV", "EPERM", "EACCES"].includes(systemCode(error) ?? "")) throw error;
    return publishInto(directory, destination);
  }
  try {
    await rename(directory, destination);
  } catch (error) {
    await rename(previous, destination);
    throw error;
  }
  await rm(previous, { recursive: true, force: true });
}

/** What takes the rights of another directory can be moved by its owner in any case. */
async function passOnRights(from: string, to: string): Promise<void> {
  const { uid, gid, mode } = await stat(from);
  const own = await stat(to);
  if (uid !== own.uid || gid !== own.gid) await chown(to, uid, gid);
  await chmod(to, (mode & 0o7777) | 0o700);
}

/**
 * Moves the files of a directory into another one, over those of the same name. The description
 * goes first and comes last, so a directory that has one is whole; a journal tells the next run
 * whose the files are if this one is killed.
 */
export async function publishInto(directory: string, destination: string): Promise<void> {
  await makeDirectories(destination);
  const names = await readdir(directory);
  const concerned = new Set([
    ...names,
    ...(await ownNames(destination)),
    ...(await readJournal(destination)),
  ]);
  await writeFile(join(destination, journalName), [...concerned].join("\n"));
  await rm(join(destination, descriptionName), { force: true });
  for (const name of concerned) {
    if (name === descriptionName) continue;
    if (names.includes(name)) await move(join(directory, name), join(destination, name));
    else await rm(join(destination, name), { force: true });
  }
  await move(join(directory, descriptionName), join(destination, descriptionName));
  await rm(join(destination, journalName));
}

async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (systemCode(error) !== "EXDEV") throw error;
    const hidden = join(dirname(to), `${stagingPrefix}moving`);
    await copyFile(from, hidden);
    await rename(hidden, to);
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
