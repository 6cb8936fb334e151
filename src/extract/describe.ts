import type { Description, FileDescription } from "../artifacts/index.js";
import { netbootCommandLine, summaryOf } from "../kairos/index.js";
import { display } from "../layers/index.js";
import { formatPlatform, type ResolvedImage } from "../oci-client/index.js";
import { formatCompression } from "../squashfs/index.js";
import { programVersion } from "../support/index.js";
import type { CheckedOptions } from "./options.js";
import type { RootFilesystem } from "./root-filesystem.js";

/** What `netboot.json` says of these files. */
export function describe(
  files: { kernel: FileDescription; initrd: FileDescription; squashfs: FileDescription },
  source: { reference: string; image: ResolvedImage },
  { name, facts, compression }: RootFilesystem,
  options: CheckedOptions,
): Description {
  return {
    schemaVersion: 1,
    name,
    files,
    source: {
      reference: source.reference,
      manifestDigest: source.image.digest,
      platform: formatPlatform(source.image.platform),
    },
    kairos: summaryOf(facts.release),
    kernel: { path: display(facts.kernel.file.path), version: facts.kernel.version ?? null },
    initrd: { path: display(facts.initrd.file.path) },
    squashfs: { compression: formatCompression(compression), blockSize: options.blockSize },
    commandLine: netbootCommandLine(name, { hasSelinux: facts.hasSelinux }),
    options: optionsOf(options),
    program: { name: "kairos-netboot", version: programVersion() },
    created: source.image.config.created ?? null,
  };
}

export function optionsOf(options: CheckedOptions): Description["options"] {
  return {
    compression: formatCompression(options.compression),
    blockSize: options.blockSize,
    name: options.name ?? null,
    kernel: options.kernel === undefined ? null : display(options.kernel),
    initrd: options.initrd === undefined ? null : display(options.initrd),
  };
}
