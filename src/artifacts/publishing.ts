import { chmod, chown, copyFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeDirectories, sha256Hex, systemCode } from "../support/index.js";
import { netbootJsonName, readNetbootJson } from "./netboot-json.js";
import { ownNames } from "./output-directory.js";
import { publishJournalName, readPublishJournal, stagingPrefix } from "./publish-journal.js";

/** NAME_MAX of Linux's file systems. */
const maxNameBytes = 255;

/** Where earlier output is for the moment between two renames. */
function previousPath(destination: string): string {
  const own = basename(destination);
  const name = `${stagingPrefix}previous-${own}`;
  const isTooLong = Buffer.byteLength(name) > maxNameBytes;
  const path = isTooLong ? `${stagingPrefix}previous-${sha256Hex(own)}` : name;
  return join(dirname(destination), path);
}

/**
 * Recovers from a run that was killed in `replaceDirectory`: puts earlier output back if the run was
 * killed between its renames, and removes it if the run was killed after them.
 */
export async function recoverInterruptedPublish(destination: string): Promise<void> {
  const previous = previousPath(destination);
  if (!(await exists(previous))) return;
  const isThere = await exists(destination);
  const whole = await readNetbootJson(isThere ? destination : previous);
  if (whole === undefined) return;
  if (!isThere) await rename(previous, destination);
  // Another user's cannot be removed, and does not have to be.
  else await rm(previous, { recursive: true, force: true }).catch(() => {});
}

/** Replaces a directory with another one. The new one gets the owner and the mode of the old one. */
export async function replaceDirectory(directory: string, destination: string): Promise<void> {
  const previous = previousPath(destination);
  try {
    if (!(await exists(destination))) return await rename(directory, destination);
    await copyOwnerAndMode(destination, directory);
    await rm(previous, { recursive: true, force: true });
    await rename(destination, previous);
  } catch (error) {
    // A mount point that cannot be told from other directories (a bind mount of the same file
    // system), or a directory that only its owner may rename or give to another user.
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

/** Copies owner and mode. The owner keeps all rights, so that the directory can still be moved. */
async function copyOwnerAndMode(from: string, to: string): Promise<void> {
  const { uid, gid, mode } = await stat(from);
  const own = await stat(to);
  if (uid !== own.uid || gid !== own.gid) await chown(to, uid, gid);
  await chmod(to, (mode & 0o7777) | 0o700);
}

/**
 * Moves the files of a directory into another one and replaces those of the same name. netboot.json
 * is removed first and moved last, so a directory that has one is complete. If this run is killed,
 * the journal tells the next one which files belong to the program.
 */
export async function publishInto(directory: string, destination: string): Promise<void> {
  await makeDirectories(destination);
  const names = await readdir(directory);
  const concerned = new Set([
    ...names,
    ...(await ownNames(destination)),
    ...(await readPublishJournal(destination)),
  ]);
  await writeFile(join(destination, publishJournalName), [...concerned].join("\n"));
  await rm(join(destination, netbootJsonName), { force: true });
  for (const name of concerned) {
    if (name === netbootJsonName) continue;
    if (names.includes(name)) await move(join(directory, name), join(destination, name));
    else await rm(join(destination, name), { force: true });
  }
  await move(join(directory, netbootJsonName), join(destination, netbootJsonName));
  await rm(join(destination, publishJournalName));
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
