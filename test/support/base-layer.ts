import type { ArchivePart } from "./tar-builder.js";

/** The minimum of a Kairos image: a kernel, an initrd, and a release file. */
export const baseLayer: readonly ArchivePart[] = [
  { name: "./", type: "directory" },
  { name: "./boot/", type: "directory" },
  { name: "./boot/vmlinuz", content: "a kernel" },
  { name: "./boot/initrd", content: "an initrd", mode: 0o600 },
  { name: "./etc/", type: "directory" },
  {
    name: "./etc/kairos-release",
    content: [
      'KAIROS_FLAVOR="debian"',
      'KAIROS_FLAVOR_RELEASE="12"',
      'KAIROS_VARIANT="core"',
      'KAIROS_ARCH="amd64"',
      'KAIROS_MODEL="generic"',
      'KAIROS_RELEASE="v1.2.3"',
      "",
    ].join("\n"),
  },
];
