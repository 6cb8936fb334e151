import { versionInName } from "./artifact-name.js";

/** Properties of an image that affect its command line. */
export interface CommandLineFacts {
  readonly hasSelinux: boolean;
  /** `KAIROS_RELEASE`. */
  readonly release?: string | undefined;
}

/** How the user wants to change the command line. */
export interface CommandLineOptions {
  /** Replaces everything but the locations of the files. */
  readonly replacement?: string | undefined;
  /** Replace the default consoles, for example `ttyS0,115200`. The last is the main console. */
  readonly consoles?: readonly string[] | undefined;
}

const defaultConsoles = ["tty1", "ttyS0"];

/**
 * The kernel command line of Kairos's netboot releases, as in an iPXE script: `${url}` is the location
 * of the files, `${config}` the address of a cloud-config.
 *
 * - Without `rd.live.overlay.overlayfs`, dracut fetches the squashfs and then fails.
 * - If the image contains an SELinux policy, the boot hangs without `selinux=0` (kairos-io/kairos
 *   issues 1867 and 2573).
 * - Up to v2, `nodepair.enable` started the installer, and from then on `install-mode`. Each is ignored
 *   by versions that do not know it.
 */
export function netbootCommandLine(
  name: string,
  { hasSelinux, release = "" }: CommandLineFacts,
  { replacement, consoles }: CommandLineOptions = {},
): string {
  const own = replacement?.split(/\s+/).filter((word) => word !== "");
  const isGiven = (key: string) => own?.some((word) => word.startsWith(`${key}=`)) ?? false;
  const files = [
    ["root", `live:\${url}/${name}.squashfs`],
    ["initrd", `${name}-initrd`],
  ] as const;
  const locations = files.filter(([key]) => !isGiven(key)).map(([key, value]) => `${key}=${value}`);
  const config = isGiven("config_url") ? [] : [`config_url=\${config}`];
  const ownConsoles = (consoles ?? []).map((console) => `console=${console}`);
  if (own !== undefined) return [...locations, ...own, ...config, ...ownConsoles].join(" ");
  return [
    ...locations,
    "rd.neednet=1",
    "ip=dhcp",
    "rd.cos.disable",
    "netboot",
    "install-mode",
    ...(/^v?[12]\./.test(release) ? ["nodepair.enable"] : []),
    ...config,
    ...(ownConsoles.length > 0
      ? ownConsoles
      : defaultConsoles.map((console) => `console=${console}`)),
    "rd.live.overlay.overlayfs",
    ...(hasSelinux ? ["selinux=0"] : []),
  ].join(" ");
}

/**
 * The command line of a release of which only the name of its files is known. Nothing says whether it
 * contains an SELinux policy.
 */
export function commandLineByName(name: string): string {
  return netbootCommandLine(name, { hasSelinux: false, release: versionInName(name) });
}

/** Says why words cannot be added to a command line, as a clause; undefined if they can. */
export function findCommandLineProblem(words: string): string | undefined {
  if (/[^\x20-\x7e\t]/.test(words)) {
    return "contains characters that a kernel command line cannot contain";
  }
  const interpreted = words
    .split(/\s+/)
    .find((word) => ["||", "&&", ";"].includes(word) || word.startsWith("#"));
  if (interpreted !== undefined) return `contains the word ${interpreted}, which iPXE interprets`;
  const quotes = words.match(/"/g)?.length ?? 0;
  // The kernel takes spaces between quotes for a part of the value.
  return quotes % 2 === 0 ? undefined : "has a quotation mark without its counterpart";
}

/**
 * A variable that only iPXE replaces, for example `${net0/mac}`; undefined if there is none.
 * @param commandLine may contain `${url}` and `${config}`, which `expandCommandLine` replaces
 */
export function findIpxeVariable(commandLine: string): string | undefined {
  return /\$\{(?!(?:url|config)\})[^}]*\}/.exec(commandLine)?.[0];
}

/**
 * Replaces the variables of a command line that `netbootCommandLine` made.
 * @param url location of the files, without a slash at the end
 * @param config address of a cloud-config; if undefined, the words with `${config}` are left out
 */
export function expandCommandLine(
  commandLine: string,
  { url, config }: { url: string; config: string | undefined },
): string {
  const words = commandLine.split(" ");
  return words
    .filter((word) => config !== undefined || !/\$\{config\}/.test(word))
    .map((word) => word.replace(/\$\{url\}/g, () => url))
    .map((word) => word.replace(/\$\{config\}/g, () => config ?? ""))
    .join(" ");
}
