import type { FileRole, ServedFile } from "../files/served-file.js";
import type { Release } from "../releases/release.js";
import type { MachineMatch } from "./match.js";
import type { OfferStyle } from "./offer-style.js";

/**
 * What happens to a machine that asks to be booted.
 * - `netboot`: it boots a release
 * - `once`: it boots a release, and boots from its disk from then on
 * - `local`: it boots from its disk
 * - `deny`: it is refused
 */
export const bootModes = ["netboot", "once", "local", "deny"] as const;
type BootMode = (typeof bootModes)[number];

/** A text that is expanded for each machine, or a URL that machines fetch themselves. */
export type CloudConfig = { readonly text: string } | { readonly url: string };

export interface BootProgram extends ServedFile {
  /** The files that a machine fetches in all if it starts this program; see `readUkiRoles`. */
  readonly files?: readonly FileRole[] | undefined;
}

/** How a machine boots. The defaults apply to what is undefined. */
export interface BootSettings {
  readonly boot?: BootMode | undefined;
  readonly release?: Release | undefined;
  /** Words to add to the kernel command line. */
  readonly commandLine?: string | undefined;
  readonly cloudConfig?: CloudConfig | undefined;
  /** Replaces the iPXE for this kind of machine, if the firmware can run it. */
  readonly bootProgram?: BootProgram | undefined;
  readonly offerStyle?: OfferStyle | undefined;
  readonly hostname?: string | undefined;
}

export interface MachineEntry extends BootSettings {
  /** The position in the file, for example `machines.yaml, line 7`. */
  readonly location: string;
  readonly match: MachineMatch;
}

export interface Rules {
  /** All served releases. The first one for an architecture is the default. */
  readonly releases: readonly Release[];
  /** The first entry that matches a machine applies to it. */
  readonly entries: readonly MachineEntry[];
  /** For machines without an entry, and for what an entry leaves undefined. */
  readonly defaults: BootSettings;
  /** The boot programs that the machines file names, by the name that clients ask for. */
  readonly programs: ReadonlyMap<string, ServedFile>;
}

/** Merges settings; undefined settings do not override others. */
export function mergeSettings(settings: BootSettings, defaults: BootSettings): BootSettings {
  const defined = Object.entries(settings).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(defined) };
}
