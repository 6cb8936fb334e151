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
import { diskFull, makeDirectories, NetbootError, systemCode } from "../support/index.js";
import { inspectDestination } from "./output-directory.js";
import { stagingPrefix } from "./publish-journal.js";
import { publishInto, recoverInterruptedPublish, replaceDirectory } from "./publishing.js";

/** Older staging directories are leftovers of killed runs. */
const maxStagingAgeMs = 24 * 60 * 60 * 1000;

/**
 * A hidden directory where output is prepared, beside its destination, and from where it is
 * published by a rename. Where the destination itself cannot be renamed (a mount point, the
 * current directory, a parent that is not ours) it is a hidden directory inside it, and the files
 * are renamed one by one, `netboot.json` last.
 */
export class Staging {
  /** Where what will be published is written. */
  readonly directory: string;
  /** For what will not. */
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
   * @throws NetbootError OUTPUT_NOT_EMPTY, OUTPUT_NOT_WRITABLE
   */
  static async create(output: string): Promise<Staging> {
    // A link to a directory stays a link.
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
   * Puts the output in place of what was there.
   * @throws NetbootError OUTPUT_NOT_EMPTY where files of somebody else came there meanwhile,
   *   OUTPUT_NOT_WRITABLE, DISK_FULL
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

  /** Leaves everything as it was. */
  async discard(): Promise<void> {
    await rm(this.#home, { recursive: true, force: true });
    if (this.#madeParent === undefined) return;
    for (let place = dirname(this.#destination); place.length >= this.#madeParent.length; ) {
      // Stops at the first that somebody else uses by now.
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

/** A hidden directory in an output directory, for what several images share while they are made. */
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
      // Named as stagings are, so that a later run removes what a killed one left.
      const directory = await mkdtemp(join(output, `${stagingPrefix}staging-`));
      return new SharedScratch(directory, output, made !== undefined);
    } catch (error) {
      throw notWritable(error, output);
    }
  }

  /** Says that it is still in use: what is older than a day is taken for left. */
  async touch(): Promise<void> {
    const now = new Date();
    await utimes(this.directory, now, now);
  }

  /** Nothing of it stays, nor the output directory where nothing came into it. */
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
    // Another user's cannot be removed, and need not be.
    if (ageMs > maxStagingAgeMs) await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

function notWritable(error: unknown, destination: string): unknown {
  if (error instanceof NetbootError || systemCode(error) === undefined) return error;
  const full = diskFull(error, `the place of ${destination}`);
  if (full !== error) return full;
  return new NetbootError(
    "OUTPUT_NOT_WRITABLE",
    `The output directory ${destination} cannot be written (${systemCode(error)}).`,
    "Choose another directory with --output, or give yourself the right to write there.",
    { cause: error },
  );
}
