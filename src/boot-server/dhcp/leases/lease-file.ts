import { type FileHandle, open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import {
  makeDirectories,
  NetbootError,
  readSmallFile,
  systemCode,
} from "../../../support/index.js";
import type { Lease } from "./lease-pool.js";
import { formatLease, parseLease } from "./lease-record.js";

/** The file is compacted long before it reaches this size: a larger file is not a lease file. */
const maxFileBytes = 64 * 1024 * 1024;
/** The number of extra lines, besides one per lease, after which the file is compacted. */
const spareLines = 10_000;

interface PendingLine {
  readonly text: string;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * The leases on disk: one JSON line per change; the last line of an address or a client counts. Lines
 * that arrive during a write are written together, so that many machines that start at the same time
 * do not wait for one disk write each.
 */
export class LeaseFile {
  readonly #path: string;
  readonly #current: () => Iterable<Lease>;
  #file: FileHandle | undefined;
  #lines = 0;
  #linesAfterCompaction = 0;
  /** True after a failed write, which may have left a partial line before the next one. */
  #mayEndInPartialLine = false;
  #pending: PendingLine[] = [];
  #writing: Promise<void> | undefined;

  private constructor(path: string, current: () => Iterable<Lease>) {
    this.#path = path;
    this.#current = current;
  }

  /**
   * Opens the file for writing and compacts it to the current leases.
   * @param current returns the current leases; called again for each compaction
   * @throws NetbootError LEASES_UNUSABLE
   */
  static async open(path: string, current: () => Iterable<Lease>): Promise<LeaseFile> {
    const file = new LeaseFile(path, current);
    try {
      await makeDirectories(dirname(path));
      await file.#compact();
    } catch (error) {
      throw leaseFileError(path, "written", error);
    }
    return file;
  }

  /** Resolves when the lease is on disk, so that the server can promise it to the client. */
  append(lease: Lease): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ text: formatLease(lease), resolve, reject });
      this.#writing ??= this.#write().finally(() => {
        this.#writing = undefined;
      });
    });
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file?.close();
    this.#file = undefined;
  }

  async #write(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#pending.splice(0);
      try {
        await this.#writeBatch(batch);
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(leaseFileError(this.#path, "written", error));
      }
    }
  }

  async #writeBatch(batch: readonly PendingLine[]): Promise<void> {
    const file = this.#file;
    if (file === undefined) throw new Error("the lease file is closed");
    const text = batch.map((each) => each.text).join("");
    const start = this.#mayEndInPartialLine ? "\n" : "";
    this.#mayEndInPartialLine = true;
    await file.appendFile(`${start}${text}`);
    await file.datasync();
    this.#mayEndInPartialLine = false;
    this.#lines += batch.length;
    if (this.#lines > 2 * this.#linesAfterCompaction + spareLines) await this.#compact();
  }

  /** Writes a new file and renames it over the old one, which stays complete until then. */
  async #compact(): Promise<void> {
    const lines = [...this.#current()].map(formatLease);
    const path = `${this.#path}.new`;
    const file = await open(path, "w", 0o644);
    try {
      await file.writeFile(lines.join(""));
      await file.sync();
      await rename(path, this.#path);
      await syncDirectory(dirname(this.#path));
    } catch (error) {
      await file.close();
      throw error;
    }
    await this.#file?.close();
    // The file that is open for writing is the one that was renamed.
    this.#file = file;
    this.#lines = lines.length;
    this.#linesAfterCompaction = lines.length;
  }
}

/**
 * Reads the leases of a file in the order in which they were written. A missing file has no leases.
 * Skips damaged lines: a power failure may truncate the last one.
 * @throws NetbootError LEASES_UNUSABLE
 */
export async function readLeases(path: string): Promise<Lease[]> {
  try {
    const bytes = await readSmallFile(path, maxFileBytes);
    return bytes.toString("utf8").split("\n").flatMap(parseLease);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw leaseFileError(path, "read", error);
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function leaseFileError(path: string, what: "read" | "written", cause: unknown): NetbootError {
  return new NetbootError(
    "LEASES_UNUSABLE",
    `The lease file ${path} cannot be ${what}.`,
    "Choose another directory with --state-dir.",
    { cause },
  );
}
