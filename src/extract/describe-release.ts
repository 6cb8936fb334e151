import type { WrittenNetbootJson } from "../artifacts/index.js";
import { netbootCommandLine, summarizeRelease } from "../kairos/index.js";
import { formatPlatform, type ResolvedImage } from "../oci-client/index.js";
import { formatCompression } from "../squashfs/index.js";
import { programVersion } from "../support/index.js";
import { display } from "../tar/index.js";
import type { CheckedOptions } from "./extract-options.js";
import type { RootFilesystem } from "./root-filesystem.js";

/** What `netboot.json` says of these files. */
export function describe(
  files: WrittenNetbootJson["files"],
  source: { reference: string; image: ResolvedImage },
  root: RootFilesystem,
  options: CheckedOptions,
): WrittenNetbootJson {
  const { name, facts, compression } = root;
  const words = options.boot.words === undefined ? [] : [options.boot.words];
  return {
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
    options: optionsOf(options),
    program: { name: "kairos-netboot", version: programVersion() },
    created: source.image.config.created ?? null,
  };
}

/** Without the words that are added to it. */
export function commandLineOf({ name, facts }: RootFilesystem, { boot }: CheckedOptions): string {
  const { hasSelinux, release } = facts;
  return netbootCommandLine(name, { hasSelinux, release: release.release }, boot);
}

export function optionsOf(options: CheckedOptions): WrittenNetbootJson["options"] {
  const { iso, uki } = options.bootMedia ?? {};
  return {
    compression: formatCompression(options.compression),
    blockSize: options.blockSize,
    name: options.name ?? null,
    kernel: options.kernel === undefined ? null : display(options.kernel),
    initrd: options.initrd === undefined ? null : display(options.initrd),
    url: options.boot.url ?? null,
    commandLine: options.boot.words ?? null,
    commandLineReplacement: options.boot.replacement ?? null,
    consoles: [...options.boot.consoles],
    cloudConfig: options.boot.cloudConfig?.sha256 ?? null,
    sbom: options.sbom ?? null,
    ...(iso === undefined ? {} : { iso: { ipxe: iso.ipxeSha256 } }),
    ...(uki === undefined
      ? {}
      : { uki: { certificate: uki.certificateSha256, stub: uki.stubSha256 } }),
  };
}
