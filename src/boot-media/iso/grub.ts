import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { NetbootError, requireProgram, runProgram } from "../../support/index.js";
import { findGrubModules } from "./iso-boot-programs.js";
import { memoryDisk } from "./memory-disk.js";

/**
 * With drivers of the screen: without them the kernel would have to begin blind. Those of the
 * network are the firmware's own.
 */
const modules = [
  ...["normal", "memdisk", "tar", "minicmd", "echo", "sleep", "test", "true", "boot"],
  ...["efi_gop", "efi_uga", "efinet", "net", "http", "linux", "reboot", "configfile"],
  ...["chain", "search", "search_fs_file", "iso9660"],
];

/**
 * Makes an EFI program of GRUB that runs a configuration which it carries itself, so that it does
 * not matter what it was started from.
 * @param scratch a directory for files in between
 * @throws NetbootError PROGRAM_MISSING, PROGRAM_FAILED
 */
export async function makeGrub(
  configuration: string,
  { path, scratch, signal }: { path: string; scratch: string; signal?: AbortSignal | undefined },
): Promise<void> {
  const program = await requireProgram("grub-mkimage", "grub-common");
  const directory = await findGrubModules();
  const [disk, start] = [join(scratch, "grub-disk.tar"), join(scratch, "grub-start.cfg")];
  await writeFile(disk, memoryDisk("grub.cfg", configuration));
  // What is embedded directly is read by a simpler parser, which knows no loops.
  await writeFile(start, "normal (memdisk)/grub.cfg\n");
  const options = ["--format=x86_64-efi", `--directory=${directory}`, "--prefix=(memdisk)/"];
  const files = [`--memdisk=${disk}`, `--config=${start}`, `--output=${path}`];
  await runProgram(program, [...options, ...files, ...modules], { signal });
}

export interface GrubRelease {
  readonly name: string;
  readonly kernel: string;
  readonly initrd: string;
  /** Where the files are, without a slash at the end. */
  readonly url: string;
  /** Complete: nothing is left to be put in. */
  readonly commandLine: string;
}

/**
 * A configuration that fetches a release and boots it, again and again until that works.
 * @throws NetbootError USAGE_INVALID for what GRUB cannot do
 */
export function releaseConfiguration(release: GrubRelease): string {
  const { name, kernel, initrd, url } = release;
  const place = placeForGrub(url);
  // The file of that name would be looked for on the disk that GRUB was started from.
  const words = wordsForGrub(release.commandLine).filter((word) => !word.startsWith("initrd="));
  return `set gfxpayload=keep
echo ${quoted(`Booting ${name}`)}
while true; do
  if net_dhcp; then
    echo ${quoted(`Fetching ${url}/${kernel}`)}
    if linux ${quoted(`${place}/${kernel}`)} ${words.map(quoted).join(" ")}; then
      echo ${quoted(`Fetching ${url}/${initrd}`)}
      if initrd ${quoted(`${place}/${initrd}`)}; then
        boot
      fi
    fi
    echo 'The release could not be fetched; trying again in 5 seconds.'
  else
    echo 'The network gave no address; trying again in 5 seconds.'
    echo 'Is the network stack switched on in the setup of this machine?'
  fi
  sleep 5
done
`;
}

/** Starts iPXE again and again: it looks for a boot server, and comes back where there is none. */
export function waitConfiguration(ipxe: string): string {
  return `search --no-floppy --file --set=root ${quoted(ipxe)}
while true; do
  echo 'Looking for a boot server on the network.'
  if chainloader ${quoted(ipxe)}; then
    boot
  fi
  echo 'No boot server answered; trying again in 5 seconds.'
  sleep 5
done
`;
}

/**
 * `(http,HOST[:PORT])/PATH`, as GRUB has it.
 * @throws NetbootError USAGE_INVALID for what it cannot reach
 */
export function placeForGrub(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  if (protocol !== "http:") {
    throw new NetbootError(
      "USAGE_INVALID",
      `Under UEFI this boot ISO cannot fetch from ${url}: it speaks HTTP only, not HTTPS.`,
      "Use an http:// address, or name a directory with an iPXE of 2021 or later with --ipxe-dir.",
    );
  }
  if (host.startsWith("[")) {
    throw new NetbootError(
      "USAGE_INVALID",
      `Under UEFI this boot ISO cannot fetch from ${url}: it speaks IPv4 only.`,
      "Use an address of IPv4, or name a directory with an iPXE of 2021 or later with --ipxe-dir.",
    );
  }
  return `(http,${host})${pathname.replace(/\/+$/, "")}`;
}

/**
 * Words as the kernel sees them. GRUB puts quotes of its own around those with spaces.
 * @throws NetbootError USAGE_INVALID for those that GRUB would change
 */
export function wordsForGrub(commandLine: string): string[] {
  if ((commandLine.match(/"/g)?.length ?? 0) % 2 === 1) {
    throw new NetbootError(
      "USAGE_INVALID",
      "The command line cannot be in a boot ISO: a double quote in it is never closed.",
      "Close it, or leave it out.",
    );
  }
  const words = commandLine.match(/(?:"[^"]*"|[^\s"])+/g) ?? [];
  const changed = words.find((word) => /['\\]/.test(word));
  if (changed === undefined) return words.map((word) => word.replaceAll('"', ""));
  throw new NetbootError(
    "USAGE_INVALID",
    `The word ${changed} of the command line cannot be in a boot ISO: GRUB would change it.`,
    "Write it without quotes and backslashes.",
  );
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
