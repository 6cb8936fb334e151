import { formatReference, OciClientError } from "../../oci-client/index.js";
import type { PullSource } from "./pull-sources.js";

/** Decides which mirror or registry to ask next, and reports it. */
export class MirrorSelection {
  readonly #sources: readonly PullSource[];
  readonly #distrusted: Set<string>;
  readonly #onDetail: (message: string) => void;
  readonly #failed = new Set<PullSource>();
  readonly #reported = new Set<PullSource>();

  /**
   * @param sources in the order in which to try them; the last one is the registry itself
   * @param distrusted names of mirrors that sent wrong bytes; all attempts of one job share it
   * @param onDetail receives which sources are used and which are skipped
   */
  constructor(
    sources: readonly PullSource[],
    distrusted: Set<string>,
    onDetail: (message: string) => void,
  ) {
    this.#sources = sources;
    this.#distrusted = distrusted;
    this.#onDetail = onDetail;
  }

  get hasMirrors(): boolean {
    return this.#sources.length > 1;
  }

  /**
   * Asks one source after the other, and returns the first answer. The error of the registry itself,
   * which is the last one, is the error that counts.
   * @param isWholeImage whether a source that lacks what is asked for has nothing of the image
   */
  async askInOrder<Result>(
    ask: (source: PullSource) => Promise<Result>,
    { signal, isWholeImage = false }: { signal?: AbortSignal | undefined; isWholeImage?: boolean },
  ): Promise<Result> {
    for (const source of this.#sources.filter((each) => this.#isUsable(each))) {
      try {
        const result = await ask(source);
        this.#reportUse(source);
        return result;
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof OciClientError)) throw error;
        if (source.isPrimary) {
          // The next attempt tries all sources. Mirrors are all there is if the registry is unreachable.
          this.#failed.clear();
          throw error;
        }
        this.skip(source, error.message, { isOnce: !isWholeImage && isAbsence(error) });
      }
    }
    throw new RangeError("an image has no registry");
  }

  /**
   * Asks a mirror no more until all sources have failed (`retryRules.mirrorFailed`).
   * @param isOnce whether to skip it only this time, because it may have the rest of the image
   */
  skip(source: PullSource, problem: string, { isOnce = false } = {}): void {
    if (!isOnce) this.#failed.add(source);
    this.#onDetail(`Skipping the mirror ${mirrorName(source)}: ${problem.replace(/\.$/, "")}.`);
  }

  /** Asks a mirror no more, in this attempt of the job and in all later ones. */
  distrust(source: PullSource): void {
    this.#distrusted.add(mirrorName(source));
  }

  #isUsable(source: PullSource): boolean {
    if (source.isPrimary) return true;
    return !this.#failed.has(source) && !this.#distrusted.has(mirrorName(source));
  }

  #reportUse(source: PullSource): void {
    if (this.#reported.has(source) || !this.hasMirrors) return;
    this.#reported.add(source);
    const kind = source.isPrimary ? "the registry itself" : "the mirror";
    this.#onDetail(`Pulling from ${kind}, ${formatReference(source.reference)}.`);
  }
}

export function mirrorName({ reference: { registry, repository } }: PullSource): string {
  return `${registry}/${repository}`;
}

function isAbsence({ code }: OciClientError): boolean {
  return code === "BLOB_NOT_FOUND" || code === "IMAGE_NOT_FOUND";
}
