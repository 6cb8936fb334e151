/** The meaning of an error code. Both sentences may contain Markdown. */
interface ErrorRow {
  readonly exitStatus: number;
  /** When the error happens. */
  readonly meaning: string;
  /** The remedy. */
  readonly action: string;
}

/** The exit statuses of the program. */
export const exitStatuses = {
  0: "success",
  1: "failure",
  2: "usage error",
  3: "image unavailable",
  4: "image unsuitable",
  5: "required program missing or too old",
  130: "interrupted",
} as const;

/**
 * Every code that an error of this program can have, for scripts: a code keeps its meaning.
 * The reference in docs/reference/error-codes.md is generated from this table.
 */
export const errorCodes = {
  USAGE_INVALID: {
    exitStatus: 2,
    meaning: "An argument or option is missing, unknown, or has an invalid value.",
    action: "Correct the command line. `kairos-netboot COMMAND --help` lists the options.",
  },
  REFERENCE_INVALID: {
    exitStatus: 2,
    meaning: "The image reference is not valid, or its source is not supported.",
    action: "Write `registry/repository:tag`, or one of the sources that `extract --help` lists.",
  },
  PLATFORM_INVALID: {
    exitStatus: 2,
    meaning: "The value of `--platform` is not a platform.",
    action: "Write `linux/amd64`, `linux/arm64`, or another `OS/ARCHITECTURE[/VARIANT]`.",
  },
  LISTEN_INVALID: {
    exitStatus: 2,
    meaning:
      "The server cannot listen on the requested address or interface, or does not know the name of a socket from systemd.",
    action: "Check `--listen` against the output of `ip address`.",
  },
  CLOUD_CONFIG_INVALID: {
    exitStatus: 2,
    meaning: "The cloud-config file cannot be read or is not a valid cloud-config.",
    action: "Correct the file that the message names.",
  },
  MACHINES_INVALID: {
    exitStatus: 2,
    meaning: "The machines file cannot be read or contains an error.",
    action:
      "Correct the entry that the message names; `serve --check` shows whether the file is valid.",
  },
  KEY_INVALID: {
    exitStatus: 2,
    meaning: "A file for a key does not contain a key of the required kind.",
    action: "Pass an unencrypted key in PEM format.",
  },
  TRUSTED_ROOT_INVALID: {
    exitStatus: 2,
    meaning: "The file of `--trusted-root` cannot be read or is not a trusted root of sigstore.",
    action: "Pass a `trusted_root.json`.",
  },

  REGISTRY_UNREACHABLE: {
    exitStatus: 3,
    meaning: "The registry, its token server, or a proxy cannot be reached.",
    action:
      "Check the name, the network, and the proxy settings. `--retry-timeout` sets how long the program keeps trying.",
  },
  REGISTRY_DENIED: {
    exitStatus: 3,
    meaning: "The registry refuses access to the image.",
    action:
      "Log in with `docker login` or `podman login`, or pass credentials with `--authfile` or `--username`.",
  },
  REGISTRY_ERROR: {
    exitStatus: 3,
    meaning: "The registry or its token server reports an error or breaks the protocol.",
    action: "Try again later. If it happens again, ask the administrators of the registry.",
  },
  TRUSTED_ROOT_UNAVAILABLE: {
    exitStatus: 3,
    meaning: "The trusted root of sigstore, which `--verify-identity` requires, cannot be fetched.",
    action: "Check the network and the proxy settings, or pass a copy with `--trusted-root`.",
  },
  CREDENTIALS_INVALID: {
    exitStatus: 3,
    meaning: "A credentials file or a credential helper cannot be used.",
    action: "Correct the file, or log in again to replace it.",
  },
  REGISTRY_CONFIG_INVALID: {
    exitStatus: 3,
    meaning:
      "The registry configuration of this machine cannot be used: `registries.conf`, a certificate, or a proxy variable.",
    action: "Correct the file or the variable that the message names.",
  },
  REGISTRY_BLOCKED: {
    exitStatus: 3,
    meaning: "`registries.conf` blocks images of this registry.",
    action: "Use another registry, or change the file that the message names.",
  },
  MIRROR_DAMAGED: {
    exitStatus: 3,
    meaning: "A mirror sent content that does not have the requested digest.",
    action: "Remove the mirror, and tell its administrators.",
  },
  IMAGE_NOT_FOUND: {
    exitStatus: 3,
    meaning: "The registry, daemon, archive, or directory does not contain the image.",
    action: "Check the repository, and the tag or digest.",
  },
  PLATFORM_NOT_FOUND: {
    exitStatus: 3,
    meaning: "The image does not exist for the requested platform.",
    action: "Choose one of the platforms that the message lists with `--platform`.",
  },
  BLOB_NOT_FOUND: {
    exitStatus: 3,
    meaning: "A layer or the configuration of the image is missing.",
    action: "Push or copy the image again: it is incomplete.",
  },
  BLOB_MISMATCH: {
    exitStatus: 3,
    meaning:
      "A layer or the configuration of the image does not have the digest that the manifest gives.",
    action: "Run the command again. If it happens again, push or copy the image again.",
  },
  MANIFEST_INVALID: {
    exitStatus: 3,
    meaning: "The manifest or the configuration of the image is damaged or has an unknown format.",
    action: "Build and push the image again.",
  },
  MANIFEST_TOO_LARGE: {
    exitStatus: 3,
    meaning: "The manifest is larger than 4 MiB.",
    action: "Check that the reference names a container image.",
  },
  LAYOUT_INVALID: {
    exitStatus: 3,
    meaning:
      "A local archive or directory is not a complete image, or the reference does not select one of its images.",
    action: "Save or copy the image again, or select one of the images that the hint lists.",
  },
  DAEMON_UNREACHABLE: {
    exitStatus: 3,
    meaning: "No Docker or Podman daemon answers.",
    action:
      "Start the daemon, set `DOCKER_HOST` to its socket, or use `docker save IMAGE | kairos-netboot extract -`.",
  },
  DAEMON_ERROR: {
    exitStatus: 3,
    meaning: "The Docker or Podman daemon reports an error.",
    action: "Check the log of the daemon, or use `docker save IMAGE | kairos-netboot extract -`.",
  },

  MANIFEST_SCHEMA1: {
    exitStatus: 4,
    meaning: "The image has a Docker schema 1 manifest, which is an obsolete format.",
    action: "Pull and push the image with a current version of Docker, Podman, or skopeo.",
  },
  NOT_AN_IMAGE: {
    exitStatus: 4,
    meaning: "The reference names an artifact that is not a container image.",
    action: "Check the repository and the tag.",
  },
  LAYER_DAMAGED: {
    exitStatus: 4,
    meaning: "A layer cannot be decompressed or is not a valid tar archive.",
    action: "Build and push the image again, or choose another tag.",
  },
  LAYER_MISMATCH: {
    exitStatus: 4,
    meaning: "A layer does not have the diff ID that the configuration of the image gives.",
    action: "Build and push the image again, or choose another tag.",
  },
  LAYER_UNSUPPORTED: {
    exitStatus: 4,
    meaning:
      "A layer is encrypted, or is a file system image (nydus, squashfs, EROFS) instead of a tar.",
    action: "Decrypt the image, or use one with tar layers, as the hint of the error says.",
  },
  IMAGE_NO_KERNEL: {
    exitStatus: 4,
    meaning: "The image does not contain a kernel.",
    action: "Use a bootable Kairos image, or name the kernel in the image with `--kernel`.",
  },
  IMAGE_NO_INITRD: {
    exitStatus: 4,
    meaning: "The image does not contain an initrd.",
    action: "Use a bootable Kairos image, or name the initrd in the image with `--initrd`.",
  },
  IMAGE_NO_RELEASE: {
    exitStatus: 4,
    meaning: "The image does not say which Kairos release it is.",
    action: "If it is a Kairos image, choose the file names with `--name`.",
  },
  IMAGE_TRUSTED_BOOT: {
    exitStatus: 4,
    meaning: "The image is for trusted boot, and its initrd is not in the image.",
    action: "Use the image without trusted boot: its tag does not contain `-uki`.",
  },
  IMAGE_IS_RAW_DISK: {
    exitStatus: 4,
    meaning: "The image contains a raw disk instead of a root file system.",
    action: "Use the image whose tag does not end in `-img`.",
  },
  SIGNATURE_MISSING: {
    exitStatus: 4,
    meaning: "The image has no signature, and `--verify-key` or `--verify-identity` requires one.",
    action: "Sign the image with `cosign sign`.",
  },
  SIGNATURE_INVALID: {
    exitStatus: 4,
    meaning:
      "No signature of the image was made with the key of `--verify-key` or by the identity of `--verify-identity`, or it is not valid.",
    action: "Check the key or the identity, and ask the publisher of the image.",
  },
  KERNEL_UNFIT: {
    exitStatus: 4,
    meaning: "The kernel or initrd of the image does not fit in a unified kernel image.",
    action: "Omit `--uki`, or choose another kernel in the image with `--kernel`.",
  },
  DEVICE_UNSUPPORTED: {
    exitStatus: 4,
    meaning: "The image has a device file with a number that Linux and squashfs do not support.",
    action: "Build the image without the device file, or with a valid number.",
  },

  MKSQUASHFS_MISSING: {
    exitStatus: 5,
    meaning: "`mksquashfs` is not installed.",
    action: "Install squashfs-tools 4.5 or later.",
  },
  MKSQUASHFS_TOO_OLD: {
    exitStatus: 5,
    meaning: "The installed `mksquashfs` cannot do what this image or option needs.",
    action: "Install squashfs-tools 4.6 or later, or the package that the message names.",
  },
  ZSTD_MISSING: {
    exitStatus: 5,
    meaning: "An archive is compressed with zstd, and `zstd` is not installed.",
    action: "Install zstd, or decompress the archive first.",
  },
  PROGRAM_MISSING: {
    exitStatus: 5,
    meaning: "A program or file that an option or the image needs is not installed.",
    action: "Install the package that the message names.",
  },
  STUB_INVALID: {
    exitStatus: 5,
    meaning: "The EFI stub of systemd cannot be used for a unified kernel image.",
    action: "Install the package systemd-boot-efi again, or another version of it.",
  },

  IMAGES_FAILED: {
    exitStatus: 1,
    meaning: "At least one of several images failed; the others were extracted.",
    action: "Fix what the error of each image says, and run the same command again.",
  },
  RELEASE_INVALID: {
    exitStatus: 1,
    meaning: "A directory or file cannot be served or verified as a Kairos release.",
    action:
      "Use a directory that `extract` created, or name kernel, initrd, and squashfs of one release.",
  },
  SERVER_UNREACHABLE: {
    exitStatus: 1,
    meaning: "`explain` finds no boot server that answers.",
    action: "Start `kairos-netboot serve`, or name the server with `--server`.",
  },
  CHECK_FAILED: {
    exitStatus: 1,
    meaning: "At least one check of `verify` or `serve --check` failed.",
    action: "The line of each failed check says what to do.",
  },
  PORT_TAKEN: {
    exitStatus: 1,
    meaning: "Another program uses a port that the server needs.",
    action: "Stop that program, or choose another port or `--dhcp off`.",
  },
  PORT_DENIED: {
    exitStatus: 1,
    meaning: "The user may not use a port below 1024.",
    action: "Run the server with `sudo`, or use the systemd units for socket activation.",
  },
  STATE_NOT_WRITABLE: {
    exitStatus: 1,
    meaning: "The directory for persistent state cannot be used.",
    action: "Choose another directory with `--state-dir`.",
  },
  DHCP_SERVER_PRESENT: {
    exitStatus: 1,
    meaning: "Another DHCP server assigns addresses on this network.",
    action: "Use `--dhcp proxy`, or add `--force-dhcp` if both servers are configured for it.",
  },
  LEASES_UNUSABLE: {
    exitStatus: 1,
    meaning: "The lease file cannot be used, or another server uses it.",
    action: "Stop the other server, or choose another directory with `--state-dir`.",
  },
  DECOMPRESSOR_FAILED: {
    exitStatus: 1,
    meaning: "A decompressor was ended by a signal.",
    action: "Run the command again; the machine may have run out of memory.",
  },
  MKSQUASHFS_FAILED: {
    exitStatus: 1,
    meaning: "`mksquashfs` reported an error.",
    action:
      "Run the command again with `--verbose`; if it happens again, try another version of squashfs-tools.",
  },
  SQUASHFS_INVALID: {
    exitStatus: 1,
    meaning: "`mksquashfs` reported success, but its output is not a complete file system.",
    action: "Run the command again; if it happens again, try another version of squashfs-tools.",
  },
  PROGRAM_FAILED: {
    exitStatus: 1,
    meaning: "A program that makes an ISO or a unified kernel image reported an error.",
    action: "Run the command again with `--verbose`.",
  },
  SIGNING_FAILED: {
    exitStatus: 1,
    meaning: "The unified kernel image could not be signed.",
    action: "Pass a private key and its certificate in PEM format, the key without a passphrase.",
  },
  OUTPUT_NOT_EMPTY: {
    exitStatus: 1,
    meaning: "The output directory contains files that this program did not create.",
    action: "Choose another directory with `--output`, or move the files away.",
  },
  OUTPUT_NOT_WRITABLE: {
    exitStatus: 1,
    meaning:
      "An output file or directory, or the directory for temporary files, cannot be written.",
    action:
      "Choose another place with `--output`, or with the variable `TMPDIR` for temporary files.",
  },
  CACHE_NOT_WRITABLE: {
    exitStatus: 1,
    meaning: "The cache directory cannot be read or written.",
    action: "Choose another directory with `--cache-dir`, or use `--no-cache`.",
  },
  CACHE_DAMAGED: {
    exitStatus: 1,
    meaning: "Files in the cache were damaged; the program has removed them.",
    action: "Run the same command again. If it happens often, check the disk.",
  },
  DISK_FULL: {
    exitStatus: 1,
    meaning: "There is not enough space for the output, the cache, or temporary files.",
    action: "Free some space, or choose another place with `--output` or `--cache-dir`.",
  },
  INTERNAL: {
    exitStatus: 1,
    meaning: "An unexpected error, which is a defect of this program.",
    action: "Report it with the output of the same command with `--verbose`.",
  },

  INTERRUPTED: {
    exitStatus: 130,
    meaning: "A signal ended the program, for example Ctrl-C.",
    action: "Run the same command again. The cache keeps what was downloaded.",
  },
} as const satisfies Readonly<Record<string, ErrorRow>>;

export type ErrorCode = keyof typeof errorCodes;
