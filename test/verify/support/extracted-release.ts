import { join } from "node:path";
import { runCommand } from "../../extract/support/run-command.js";
import { succeed } from "../../extract/support/run-netboot.js";
import { sharedDirectory, temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { checkout } from "../../support/checkout.js";

/** Version of the demo image's kernel. */
export const version = "0.1.0-demo";

export interface Check {
  readonly check: string;
  readonly status: string;
  readonly what: string;
}

/** Runs a shell script in a directory. */
export async function shell(script: string, cwd: string): Promise<string> {
  return (await succeed("sh", ["-euc", script], cwd)).stdout;
}

/**
 * A release that other tools made: the demo image's kernel, an initrd from cpio and gzip, a squashfs
 * from mksquashfs, and checksums from sha256sum. Beside it are plain.cpio and tree/, which it contains.
 * @param script changes the files r-kernel, r-initrd, and r.squashfs before the checksums are made
 */
export async function release(script = "true", after = "true"): Promise<string> {
  unchanged ??= makeUnchanged();
  const work = await temporaryDirectory();
  await shell(
    `cp -a "${await unchanged}/." .
     cd out
     (${script})
     sha256sum r-* r.* >SHA256SUMS
     ${after}`,
    work,
  );
  return join(work, "out");
}

let unchanged: Promise<string> | undefined;

/** The files of a release without faults, and without checksums; each test process makes them once. */
async function makeUnchanged(): Promise<string> {
  const directory = await sharedDirectory();
  const blobs = join(checkout, "testdata/demo-image/blobs/sha256");
  await shell(
    `mkdir -p out tree/usr/lib/modules/${version} tree/etc
     : >tree/usr/lib/modules/${version}/modules.dep
     echo hello >tree/etc/motd
     (cd tree && find . | cpio -o -H newc --quiet) >plain.cpio
     gzip -9 <plain.cpio >out/r-initrd
     mksquashfs tree out/r.squashfs -quiet -no-progress >/dev/null
     for blob in ${blobs}/*; do
       tar -xzf "$blob" -O ./boot/vmlinuz-${version} >out/r-kernel 2>/dev/null && break
     done; test -s out/r-kernel`,
    directory,
  );
  return directory;
}

/** Runs `verify --json`. */
export async function verify(directory: string, ...options: string[]) {
  const { status, stdout, stderr } = await runCommand(["verify", directory, "--json", ...options], {
    cwd: directory,
  });
  const lines = stdout.trimEnd().split("\n");
  const all = lines.map((line) => JSON.parse(line) as Check & { type: string; code?: string });
  const checks = all.filter(({ type }) => type === "check");
  const error = all.find(({ type }) => type === "error");
  return { status, checks, stderr, error };
}

/** The first failed check of that name, otherwise the first one. */
export function find(checks: readonly Check[], name: string): Check {
  const named = checks.filter(({ check }) => check === name);
  const found = named.find(({ status }) => status === "failed") ?? named[0];
  if (found === undefined) throw new Error(`no check ${name}`);
  return found;
}
