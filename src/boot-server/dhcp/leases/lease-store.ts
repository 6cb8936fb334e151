import { LeaseFile, readLeases } from "./lease-file.js";
import { LeaseLock } from "./lease-lock.js";
import type { Lease, LeasePool } from "./lease-pool.js";

/** Keeps the leases of a pool on disk, so that they survive a restart. */
export class LeaseStore {
  readonly #path: string;
  #lock: LeaseLock | undefined;
  #file: LeaseFile | undefined;

  /** @param path the lease file */
  constructor(path: string) {
    this.#path = path;
  }

  /** @throws NetbootError LEASES_UNUSABLE, also if another server uses the file */
  async lock(): Promise<void> {
    this.#lock = await LeaseLock.take(this.#path);
  }

  /**
   * Restores the leases of earlier runs into the pool and opens the file.
   * @throws NetbootError LEASES_UNUSABLE
   */
  async load(pool: LeasePool): Promise<void> {
    for (const lease of await readLeases(this.#path)) pool.restore(lease);
    this.#file = await LeaseFile.open(this.#path, () => pool.leases());
  }

  /**
   * Resolves when the lease is on disk.
   * @throws NetbootError LEASES_UNUSABLE
   */
  async record(lease: Lease): Promise<void> {
    if (this.#file === undefined) throw new Error("the lease store is not loaded");
    await this.#file.append(lease);
  }

  async close(): Promise<void> {
    await this.#file?.close();
    await this.#lock?.release();
  }
}
