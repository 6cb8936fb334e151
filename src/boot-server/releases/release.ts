import { sha256Hex } from "../../support/index.js";
import type { ServedFile } from "../files/served-file.js";

/** Hexadecimal digits of a release's id: few, because the kernel command line has to hold them. */
export const releaseIdLength = 12;

/** A kernel, an initrd and a squashfs that belong together. */
export interface Release {
  readonly name: string;
  /** Part of the files' URLs; differs if the contents of the files differ. */
  readonly id: string;
  /** OCI's name of the architecture. */
  readonly architecture: string;
  readonly kernel: ServedFile;
  readonly initrd: ServedFile;
  readonly squashfs: ServedFile;
  /** With `${url}` for the URL of the files, and `${config}` for that of a cloud-config. */
  readonly commandLine: string;
  /** For machines that no rule gives another one. */
  readonly cloudConfig?: { readonly text: string } | undefined;
}

type BootFiles = Pick<Release, "kernel" | "initrd" | "squashfs">;

/** The id depends only on the files' ETags, so it stays the same when the server restarts. */
export function releaseId({ kernel, initrd, squashfs }: BootFiles): string {
  const etags = [kernel, initrd, squashfs].map(({ etag }) => etag);
  return sha256Hex(etags.join(" ")).slice(0, releaseIdLength);
}
