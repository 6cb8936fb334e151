import {
  access,
  constants,
  mkdir,
  mkdtemp,
  readdir,
  realpath,
  rm,
  rmdir,
  stat,
  utimes,
} from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { makeDirectories } from "../support/index.js";
import { inspectDestination } from "./output-directory.js";
import { outputNotWritable } from "./output-not-writable.js";
import { stagingPrefix } from "./publish-journal.js";
import { publishInto, recoverInterruptedPublish, replaceDirectory } from "./publishing.js";

/** Older staging directories are leftovers of killed runs. */
const maxStagingAgeMs = 24 * 60 * 60 * 1000;

/**
 * A hidden directory beside the destination, in which output is prepared and from which one rename
 * publishes it. If the destination itself cannot be renamed (a mount point, the current directory, a
 * parent that the user may not write to), the hidden directory is inside it, and the files are renamed
 * one by one, `netboot.json` last.
 */
export class Staging {
  /** For the files to publish. */
  readonly directory: string;
  /** For temporary files. */
  readonly scratch: string;
  readonly #destination: string;
  readonly #home: string;
  readonly #isInside: boolean;
  readonly #madeParent: string | undefined;

  private constructor(home: string, destination: string, isInside: boolean, made?: string) {
    this.#home = home;
    this.directory = join(home, "output");
    this.scratch = join(home, "scratch");
    this.#destination = destination;
    this.#isInside = isInside;
    this.#madeParent = made;
  }

  /**
   * Also recovers from earlier runs that were killed.
   * @throws NetbootError OUTPUT_NOT_EMPTY, OUTPUT_NOT_WRITABLE
   */
  static async create(output: string): Promise<Staging> {
    // Resolve the link, so that publishing replaces its target and not the link.
    const destination = await realpath(output).catch(() => resolve(output));
    const parent = dirname(destination);
    try {
      const made = await makeDirectories(parent);
      await recoverInterruptedPublish(destination);
      const present = await inspectDestination(destination);
      const isInside = present !== "absent" && !(await canBeRenamed(destination, parent));
      const place = isInside ? destination : parent;
      await removeStale(place);
      const home = await mkdtemp(join(place, `${stagingPrefix}staging-`));
      const staging = new Staging(home, destination, isInside, made);
      await mkdir(staging.directory);
      await mkdir(staging.scratch);
      return staging;
    } catch (error) {
      throw notWritable(error, destination);
    }
  }

  /**
   * Replaces the destination with the output.
   * @throws NetbootError OUTPUT_NOT_EMPTY if somebody else's files appeared in the destination
   *   meanwhile, OUTPUT_NOT_WRITABLE, DISK_FULL
   */
  async publish(): Promise<void> {
    try {
      await inspectDestination(this.#destination);
      if (this.#isInside) await publishInto(this.directory, this.#destination);
      else await replaceDirectory(this.directory, this.#destination);
    } catch (error) {
      throw notWritable(error, this.#destination);
    }
    await rm(this.#home, { recursive: true, force: true });
  }

  /** Removes everything that `create` made. */
  async discard(): Promise<void> {
    await rm(this.#home, { recursive: true, force: true });
    if (this.#madeParent === undefined) return;
    for (let place = dirname(this.#destination); place.length >= this.#madeParent.length; ) {
      // Stop at the first directory that somebody else uses now.
      if (
        !(await rmdir(place).then(
          () => true,
          () => false,
        ))
      )
        return;
      place = dirname(place);
    }
  }
}

/** A hidden directory in an output directory, for files that several extractions share. */
export class SharedScratch {
  readonly directory: string;
  readonly #output: string;
  readonly #wasMade: boolean;

  private constructor(directory: string, output: string, wasMade: boolean) {
    this.directory = directory;
    this.#output = output;
    this.#wasMade = wasMade;
  }

  /** @throws NetbootError OUTPUT_NOT_WRITABLE, DISK_FULL */
  static async create(output: string): Promise<SharedScratch> {
    try {
      const made = await makeDirectories(output);
      // Has the name of a staging directory, so that a later run removes it if this one is killed.
      const directory = await mkdtemp(join(output, `${stagingPrefix}staging-`));
      return new SharedScratch(directory, output, made !== undefined);
    } catch (error) {
      throw notWritable(error, output);
    }
  }

  /** Shows that the directory is still in use: other runs remove older ones. See `removeStale`. */
  async touch(): Promise<void> {
    const now = new Date();
    await utimes(this.directory, now, now);
  }

  /** Also removes the output directory if this run made it and it is empty. */
  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
    if (this.#wasMade) await rmdir(this.#output).catch(() => {});
  }
}

async function canBeRenamed(destination: string, parent: string): Promise<boolean> {
  const isCurrent = `${process.cwd()}${sep}`.startsWith(`${destination}${sep}`);
  if (isCurrent || (await stat(destination)).dev !== (await stat(parent)).dev) return false;
  return access(parent, constants.W_OK).then(
    () => true,
    () => false,
  );
}

async function removeStale(place: string): Promise<void> {
  for (const name of await readdir(place)) {
    if (!name.startsWith(`${stagingPrefix}staging-`)) continue;
    const path = join(place, name);
    const ageMs = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    // Another user's cannot be removed, and does not have to be.
    if (ageMs > maxStagingAgeMs) await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

function notWritable(error: unknown, destination: string): unknown {
  return outputNotWritable(error, {
    what: `output directory ${destination}`,
    place: `the place of ${destination}`,
    hint: "Choose another directory with --output, or change its permissions.",
  });
}
