import type { PullSource } from "./pull-sources.js";

/** Remembers which mirrors sent a part of a blob, in case its bytes turn out to be wrong. */
export class BlobSuppliers {
  readonly #mirrors = new Map<string, Set<PullSource>>();
  readonly #delivered = new Set<string>();

  /** Records that a source sends bytes of a blob. */
  add(digest: string, source: PullSource): void {
    if (source.isPrimary) return;
    const mirrors = this.#mirrors.get(digest) ?? new Set();
    this.#mirrors.set(digest, mirrors.add(source));
  }

  /** Records that all bytes of a blob came. */
  markDelivered(digest: string): void {
    this.#delivered.add(digest);
  }

  /** Whether all bytes of a blob came since the last call. */
  takeDelivered(digest: string): boolean {
    return this.#delivered.delete(digest);
  }

  /** Forgets the mirrors that sent a part of a blob, and returns them. */
  take(digest: string): PullSource[] {
    const mirrors = [...(this.#mirrors.get(digest) ?? [])];
    this.#mirrors.delete(digest);
    return mirrors;
  }
}
