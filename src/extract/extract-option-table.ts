// Only these files, which import nothing themselves.
import {
  signaturesHeading,
  verificationOptionTable,
} from "../signatures/verification-option-table.js";
import { compressorNames } from "../squashfs/compressors.js";
import type { OptionTable, OptionValues } from "../support/index.js";

const booting = "How machines boot:";
const moreFiles = "Further files:";

/**
 * The options of `extract`, one row each, in the order of the help. Checks and what `netboot.json`
 * records are in check-options.ts, which the compiler compares with this table.
 *
 * The command line reads this file for its help, so at run time it imports only other tables.
 */
export const extractOptionTable = {
  /** `linux/ARCH[/VARIANT]`; this machine's by default. */
  platform: {
    flags: "--platform <platform>",
    type: "text",
    help: "platform of the image: linux/ARCH[/VARIANT]",
    defaultHelp: "this machine's",
  },
  /** Common part of the file names; from the image's release file by default. */
  name: {
    flags: "--name <name>",
    type: "text",
    help: "common part of the file names",
    defaultHelp: "from the image",
  },
  /** Path of the kernel in the image. */
  kernel: {
    flags: "--kernel <path>",
    type: "text",
    help: "path of the kernel in the image",
    defaultHelp: "from /boot",
  },
  /** Path of the initrd in the image. */
  initrd: {
    flags: "--initrd <path>",
    type: "text",
    help: "path of the initrd in the image",
    defaultHelp: "from /boot",
  },
  /** `COMPRESSOR[:LEVEL]`; `zstd:3` by default. */
  compression: {
    flags: "--compression <compressor>",
    type: "text",
    help: `compressor of the squashfs: ${compressorNames.join(", ")}, with an optional :LEVEL`,
    default: "zstd:3",
  },
  /** `4K` to `1M`; `1M` by default. */
  blockSize: {
    flags: "--block-size <size>",
    type: "text",
    help: "block size of the squashfs, 4K to 1M",
    default: "1M",
  },
  /** Directory that keeps downloads. */
  cacheDir: {
    flags: "--cache-dir <dir>",
    type: "text",
    help: "directory that keeps downloads",
    defaultHelp: "~/.cache/kairos-netboot",
  },
  /** False to keep no downloads. */
  cache: { flags: "--no-cache", type: "flag", help: "do not keep downloads" },
  /**
   * How long to retry a registry that fails, counted from the last progress: `90s`, `5m`, `2h`, or
   * `0` for never; `5m` by default.
   */
  retryTimeout: {
    flags: "--retry-timeout <time>",
    type: "text",
    help: "how long to retry failed downloads: 90s, 2h, or 0",
    default: "5m",
  },
  /** Number of layers to fetch concurrently and of processors that compress; 1 to 256. */
  jobs: {
    flags: "--jobs <n>",
    type: "number",
    help: "number of concurrent downloads, and of processors to compress with",
    defaultHelp: "all processors",
  },
  /** Make the files again even if they exist. */
  force: { flags: "--force", type: "flag", help: "make the files again even if they exist" },

  /** URL of the directory on a web server; without it, the script looks in its own directory. */
  url: {
    flags: "--url <base>",
    type: "text",
    help: "URL of the directory on a web server, for the script",
    group: booting,
  },
  /** A file to publish with the others; the script names it. */
  cloudConfig: {
    flags: "--cloud-config <file>",
    type: "text",
    help: "cloud-config to publish with the other files, for the script",
    group: booting,
  },
  /** Words to add to the kernel command line. */
  cmdline: {
    flags: "--cmdline <words>",
    type: "text",
    help: "words to add to the kernel command line",
    group: booting,
  },
  /** Words that replace the release's own kernel command line, except for where the files are. */
  cmdlineReplace: {
    flags: "--cmdline-replace <words>",
    type: "text",
    help: "words that replace the release's own kernel command line",
    group: booting,
  },
  /** Consoles of the kernel instead of tty1 and ttyS0, as `ttyS1,115200`; the last is the main one. */
  console: {
    flags: "--console <console>",
    type: "texts",
    help: "console of the kernel, for example ttyS1,115200",
    defaultHelp: "tty1 and ttyS0",
    group: booting,
  },

  /** Make an ISO that boots the release from its `url`. */
  iso: {
    flags: "--iso",
    type: "flag",
    help: "make an ISO that boots the release from its --url",
    group: moreFiles,
  },
  /** Directory with boot programs for the ISO; Debian's packages have the others. */
  ipxeDir: {
    flags: "--ipxe-dir <dir>",
    type: "text",
    help: "directory with boot programs for the ISO, searched before those of Debian's packages",
    group: moreFiles,
  },
  /** Make a unified kernel image for UEFI HTTP Boot that boots the release from its `url`. */
  uki: {
    flags: "--uki",
    type: "flag",
    help: "make one EFI program for UEFI HTTP Boot that boots the release from its --url",
    group: moreFiles,
  },
  /** Private key in PEM that signs the unified kernel image for Secure Boot. */
  ukiKey: {
    flags: "--uki-key <file>",
    type: "text",
    help: "private key (PEM) that signs the EFI program for Secure Boot",
    group: moreFiles,
  },
  /** Certificate in PEM of that key. */
  ukiCert: {
    flags: "--uki-cert <file>",
    type: "text",
    help: "certificate (PEM) of that key",
    group: moreFiles,
  },
  /** Write a list of the image's packages: `spdx` or `cyclonedx`; `spdx` for true. */
  sbom: {
    flags: "--sbom [format]",
    type: "flag or text",
    help: "write a list of the image's packages: spdx (the default) or cyclonedx",
    group: moreFiles,
  },

  ...verificationOptionTable,
  /** Private key in PEM that signs SHA256SUMS. */
  signKey: {
    flags: "--sign-key <file>",
    type: "text",
    help: "sign SHA256SUMS with this private key",
    group: signaturesHeading,
  },
} as const satisfies OptionTable;

export type ExtractOptionTable = typeof extractOptionTable;
export type ExtractTableOptions = OptionValues<ExtractOptionTable>;
