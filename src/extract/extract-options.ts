import type { RegistryAccess } from "../sources/index.js";
import type { ExtractEvent } from "./extract-event.js";
import type { ExtractTableOptions } from "./extract-option-table.js";

/** The options of extract-option-table.ts, and those that the command line takes in other ways. */
export interface ExtractOptions extends ExtractTableOptions {
  /** `quay.io/kairos/…:tag`, any registry's reference, or another source, as `openSource` says. */
  image: string;
  /** The directory to make or to replace. */
  output: string;
  /** Credentials, TLS, and mirrors; from this machine's files by default. */
  registry?: RegistryAccess | undefined;
  signal?: AbortSignal | undefined;
  onEvent?: ((event: ExtractEvent) => void) | undefined;
}
