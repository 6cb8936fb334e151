import { checkNetbootJson, type WrittenNetbootJson } from "../artifacts/index.js";
import { netbootCommandLine, summarizeRelease } from "../kairos/index.js";
import { formatPlatform, type ResolvedImage } from "../oci-client/index.js";
import { formatCompression } from "../squashfs/index.js";
import { programVersion } from "../support/index.js";
import { display } from "../tar/index.js";
import { type CheckedOptions, recordOptions } from "./check-options.js";
import type { RootFilesystem } from "./root-filesystem.js";

/** The contents of netboot.json for these files. */
export function describeRelease(
  files: WrittenNetbootJson["files"],
  source: { reference: string; image: ResolvedImage },
  root: RootFilesystem,
  options: CheckedOptions,
): WrittenNetbootJson {
  const { name, facts, compression } = root;
  const words = options.cmdline === undefined ? [] : [options.cmdline];
  return checkNetbootJson({
    schemaVersion: 1,
    name,
    files,
    source: {
      reference: source.reference,
      manifestDigest: source.image.digest,
      platform: formatPlatform(source.image.platform),
    },
    kairos: summarizeRelease(facts.release),
    kernel: { path: display(facts.kernel.file.path), version: facts.kernel.version ?? null },
    initrd: { path: display(facts.initrd.file.path) },
    squashfs: { compression: formatCompression(compression), blockSize: options.blockSize },
    commandLine: [commandLineOf(root, options), ...words].join(" "),
    options: recordOptions(options),
    program: { name: "kairos-netboot", version: programVersion() },
    created: source.image.config.created ?? null,
  });
}

/** The kernel command line without the words of `cmdline`, which the script adds on its own. */
export function commandLineOf(
  { name, facts }: RootFilesystem,
  { cmdlineReplace: replacement, console: consoles }: CheckedOptions,
): string {
  const { hasSelinux, release } = facts;
  return netbootCommandLine(
    name,
    { hasSelinux, release: release.release },
    { replacement, consoles },
  );
}
