import type { CaptureListener, CaptureRule } from "../read/captured-files.js";
import type { Layer } from "../read/layer.js";
import type { InodeLimits } from "./inode-limits.js";
import type { ProgressListener } from "./write-progress.js";

export interface FlattenOptions {
  /** All layers of the image, bottom first. */
  readonly layers: readonly Layer[];
  /** Selects the files whose contents are needed besides the tar. */
  readonly capture: CaptureRule;
  /** Called as soon as a file's contents are on disk, while the layers are still being read. */
  readonly onCaptured?: CaptureListener;
  /** Scratch space for captured files, which the caller removes. */
  readonly scratch: string;
  /** Limits of the file system that the tar is converted to. */
  readonly limits: InodeLimits;
  readonly signal: AbortSignal;
  readonly onProgress?: ProgressListener;
  /** Receives a sentence for each way in which the result differs from the image. */
  readonly onWarning?: (message: string) => void;
}
