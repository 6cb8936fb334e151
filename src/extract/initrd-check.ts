import {
  describeMissing,
  type InitrdFeatures,
  InitrdFormatError,
  missingForNetboot,
  readInitrdFeatures,
} from "../initrd/index.js";
import { isInitrdPath, type KairosFacts } from "../kairos/index.js";
import type { MergedImage } from "../layers/index.js";
import { NetbootError } from "../support/index.js";
import { type ByteString, display } from "../tar/index.js";
import type { CheckedOptions } from "./check-options.js";

/**
 * Warns if the initrd lacks something that it needs to fetch and mount the root file system. Nothing
 * else would tell before the machine fails to boot.
 *
 * Decompressing an initrd may take seconds, so it begins as soon as the contents are on disk, with
 * the first initrd of the uppermost layer that has one: in most images, that is the right one.
 */
export class InitrdCheck {
  readonly #signal: AbortSignal;
  /** By path on disk. */
  readonly #features = new Map<string, Promise<InitrdFeatures>>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Begins to read a file of the image if it may be the initrd. */
  readonly readAhead = (path: ByteString, file: string): void => {
    if (isInitrdPath(path) && this.#features.size === 0) this.#read(file);
  };

  /** @throws only if the signal is aborted, or for an unexpected error */
  async warn(facts: KairosFacts, merged: MergedImage, { emit }: CheckedOptions): Promise<void> {
    const path = display(facts.initrd.file.path);
    try {
      const features = await this.#read(await merged.pathOf(facts.initrd.file.inode));
      const missing = missingForNetboot(features, facts.builtInDrivers);
      if (missing.length === 0) return;
      const text = `The initrd ${path} cannot netboot: ${describeMissing(missing)}.`;
      emit({ type: "message", level: "warning", text });
    } catch (error) {
      const isKnown = error instanceof InitrdFormatError || error instanceof NetbootError;
      if (this.#signal.aborted || !isKnown) throw error;
      const reason = error instanceof NetbootError ? error.message : `It ${error.message}.`;
      const text = `The initrd ${path} was not checked. ${reason}`;
      emit({ type: "message", level: "detail", text });
    }
  }

  #read(file: string): Promise<InitrdFeatures> {
    const known = this.#features.get(file);
    if (known !== undefined) return known;
    const features = readInitrdFeatures(file, this.#signal);
    this.#features.set(file, features);
    // `warn` handles the error, unless the image turns out to have another initrd.
    features.catch(() => {});
    return features;
  }
}
