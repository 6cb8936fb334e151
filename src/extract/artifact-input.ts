import type { Staging } from "../artifacts/index.js";
import type { ResolvedImage } from "../oci-client/index.js";
import type { ImageSource } from "../sources/index.js";
import type { CheckedOptions } from "./check-options.js";
import type { RootFilesystem } from "./root-filesystem.js";

/** The inputs of the artifacts. */
export interface ArtifactInput {
  readonly staging: Staging;
  readonly source: ImageSource;
  readonly image: ResolvedImage;
  readonly root: RootFilesystem;
  readonly options: CheckedOptions;
  readonly signal: AbortSignal;
}
