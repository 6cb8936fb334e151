import type { FileRole, ServedFile } from "../files/served-file.js";
import type { Release } from "../releases/release.js";
import type { MacPattern } from "./mac-pattern.js";
import type { OfferStyle } from "./offer-style.js";

/**
 * What is done with a machine.
 * - `netboot`: it boots a release
 * - `once`: it boots a release, and from its disk from then on
 * - `local`: it boots from its disk
 * - `deny`: it gets nothing
 */
export const bootModes = ["netboot", "once", "local", "deny"] as const;
export type BootMode = (typeof bootModes)[number];

/** A text that is made for each machine, or an address that machines fetch from themselves. */
export type CloudConfig = { readonly text: string } | { readonly url: string };

export interface BootProgram extends ServedFile {
  /** All that a machine fetches that starts it, where that is no script: see `filesOfUki`. */
  readonly files?: readonly FileRole[] | undefined;
}

/** How a machine is booted; what is undefined is left to the defaults. */
export interface BootSettings {
  readonly boot?: BootMode | undefined;
  readonly release?: Release | undefined;
  /** Words that are added to the kernel's command line. */
  readonly commandLine?: string | undefined;
  readonly cloudConfig?: CloudConfig | undefined;
  /** Instead of the iPXE for machines of its kind, where their firmware can run it. */
  readonly bootProgram?: BootProgram | undefined;
  readonly offerStyle?: OfferStyle | undefined;
  readonly hostname?: string | undefined;
}

/** What a machine has to be like; all that is given has to hold, one of each list is enough. */
export interface MachineMatch {
  readonly mac?: readonly MacPattern[] | undefined;
  readonly uuid?: readonly string[] | undefined;
  readonly serial?: readonly string[] | undefined;
  readonly architecture?: readonly string[] | undefined;
}

export interface MachineEntry extends BootSettings {
  /** Where it stands, as in `machines.yaml, line 7`. */
  readonly place: string;
  readonly match: MachineMatch;
}

export interface Rules {
  /** All that are served; for each architecture the first one is the default. */
  readonly releases: readonly Release[];
  /** The first that matches a machine is its. */
  readonly entries: readonly MachineEntry[];
  /** For machines without an entry, and for what an entry leaves open. */
  readonly defaults: BootSettings;
  /** The boot programs that entries name, by the names that clients ask for. */
  readonly programs: ReadonlyMap<string, ServedFile>;
}
