import {
  describeMissing,
  findBuiltInDrivers,
  type InitrdFeatures,
  missingForNetboot,
  type RootDriver,
  rootDrivers,
} from "../initrd/index.js";
import { readSquashfsFiles } from "../squashfs/index.js";
import { findProgram } from "../support/index.js";
import { type Check, ok, unchecked, warning } from "./check.js";

export interface NetbootInput {
  /** Name of the initrd. */
  readonly initrd: string;
  readonly features: InitrdFeatures;
  /** Path of the squashfs. */
  readonly squashfs: string;
  /** The kernel's, or those of all modules in the squashfs. */
  readonly versions: readonly string[];
  readonly signal: AbortSignal;
}

/** Checks that the initrd has everything that it needs to fetch and mount the root file system. */
export async function checkNetboot(input: NetbootInput): Promise<Check> {
  const { initrd, features } = input;
  const { maker } = features;
  if (maker === undefined) {
    const what = `whether ${initrd} can netboot is unknown: neither dracut nor mkinitfs made it`;
    return unchecked("netboot", what);
  }
  const hasDrivers = rootDrivers.every((driver) => features.drivers.has(driver));
  const builtIn = hasDrivers ? [] : await builtInDrivers(input);
  const missing = missingForNetboot(features, builtIn);
  if (missing.length === 0) return ok("netboot", `${initrd}, made by ${maker}, can netboot`);
  return warning("netboot", `${initrd} cannot netboot: ${describeMissing(missing)}`);
}

/** The drivers that are built into the kernel according to the root file system. */
async function builtInDrivers({ squashfs, versions, signal }: NetbootInput): Promise<RootDriver[]> {
  const unsquashfs = await findProgram("unsquashfs");
  if (unsquashfs === undefined) return [];
  const files = versions.flatMap((version) => [
    `boot/config-${version}`,
    ...["usr/lib", "lib"].flatMap((lib) =>
      ["config", "modules.builtin"].map((name) => `${lib}/modules/${version}/${name}`),
    ),
  ]);
  const text = await readSquashfsFiles(unsquashfs, squashfs, files, signal);
  return findBuiltInDrivers(text);
}
