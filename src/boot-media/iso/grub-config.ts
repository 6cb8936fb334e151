import { NetbootError } from "../../support/index.js";

export interface GrubRelease {
  readonly name: string;
  /** File name of the kernel. */
  readonly kernel: string;
  /** File name of the initrd. */
  readonly initrd: string;
  /** Location of the files, without a slash at the end. */
  readonly url: string;
  /** Without variables. */
  readonly commandLine: string;
}

/**
 * A configuration that fetches a release and boots it, and retries until that works.
 * @throws NetbootError USAGE_INVALID if GRUB does not support the URL or the command line
 */
export function formatReleaseConfig(release: GrubRelease): string {
  const { name, kernel, initrd, url } = release;
  const location = grubLocation(url);
  // GRUB would look for the file in initrd= on the disk that it was started from.
  const words = splitForGrub(release.commandLine).filter((word) => !word.startsWith("initrd="));
  return `set gfxpayload=keep
echo ${quoted(`Booting ${name}`)}
while true; do
  if net_dhcp; then
    echo ${quoted(`Fetching ${url}/${kernel}`)}
    if linux ${quoted(`${location}/${kernel}`)} ${words.map(quoted).join(" ")}; then
      echo ${quoted(`Fetching ${url}/${initrd}`)}
      if initrd ${quoted(`${location}/${initrd}`)}; then
        boot
      fi
    fi
    echo 'Cannot fetch the release; retrying in 5 seconds.'
  else
    echo 'No address from DHCP; retrying in 5 seconds.'
    echo 'Is the network stack enabled in the setup of this machine?'
  fi
  sleep 5
done
`;
}

/** Starts iPXE, which returns if it finds no boot server, over and over. */
export function formatWaitConfig(ipxe: string): string {
  return `search --no-floppy --file --set=root ${quoted(ipxe)}
while true; do
  echo 'Looking for a boot server on the network.'
  if chainloader ${quoted(ipxe)}; then
    boot
  fi
  echo 'No boot server answered; retrying in 5 seconds.'
  sleep 5
done
`;
}

/**
 * GRUB's spelling of a URL: `(http,HOST[:PORT])/PATH`.
 * @throws NetbootError USAGE_INVALID if GRUB does not support the protocol
 */
export function grubLocation(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  if (protocol !== "http:") {
    throw new NetbootError(
      "USAGE_INVALID",
      `Under UEFI, this boot ISO cannot fetch from ${url}: it supports HTTP, but not HTTPS.`,
      "Use an http:// URL, or name a directory with an iPXE of 2021 or later with --ipxe-dir.",
    );
  }
  if (host.startsWith("[")) {
    throw new NetbootError(
      "USAGE_INVALID",
      `Under UEFI, this boot ISO cannot fetch from ${url}: it supports IPv4 only.`,
      "Use an IPv4 address, or name a directory with an iPXE of 2021 or later with --ipxe-dir.",
    );
  }
  return `(http,${host})${pathname.replace(/\/+$/, "")}`;
}

/**
 * Splits a command line into words, without the quotes. GRUB puts its own quotes around words with
 * spaces.
 * @throws NetbootError USAGE_INVALID if GRUB would change a word
 */
export function splitForGrub(commandLine: string): string[] {
  if ((commandLine.match(/"/g)?.length ?? 0) % 2 === 1) {
    throw new NetbootError(
      "USAGE_INVALID",
      "The command line of a boot ISO cannot contain an unclosed double quote.",
      "Close the quote, or omit it.",
    );
  }
  const words = commandLine.match(/(?:"[^"]*"|[^\s"])+/g) ?? [];
  const changed = words.find((word) => /['\\]/.test(word));
  if (changed === undefined) return words.map((word) => word.replaceAll('"', ""));
  throw new NetbootError(
    "USAGE_INVALID",
    `The command line of a boot ISO cannot contain ${changed}: GRUB would change it.`,
    "Write the word without quotes and backslashes.",
  );
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
