import { versionInName } from "./artifact-name.js";

/** What an image's command line depends on. */
export interface CommandLineFacts {
  readonly hasSelinux: boolean;
  /** `KAIROS_RELEASE`. */
  readonly release?: string | undefined;
}

/** What a user wants of it. */
export interface CommandLineWishes {
  /** Words in the place of all but where the files are. */
  readonly replacement?: string | undefined;
  /** Consoles in the place of the usual ones, as `ttyS0,115200`; the last is the main one. */
  readonly consoles?: readonly string[] | undefined;
}

const usualConsoles = ["tty1", "ttyS0"];

/**
 * The kernel command line of Kairos' netboot releases, as it stands in an iPXE script: `${url}` is
 * where the files are, `${config}` the address of a cloud-config.
 *
 * `rd.live.overlay.overlayfs` is needed: without it dracut fetches the squashfs and then fails.
 * `selinux=0` is needed where the image brings an SELinux policy, or the boot hangs
 * (kairos-io/kairos issues 1867 and 2573). Up to v2 the installer was started by
 * `nodepair.enable`; who does not know one of the two passes it over.
 */
export function netbootCommandLine(
  name: string,
  { hasSelinux, release = "" }: CommandLineFacts,
  { replacement, consoles }: CommandLineWishes = {},
): string {
  const own = replacement?.split(/\s+/).filter((word) => word !== "");
  const isGiven = (key: string) => own?.some((word) => word.startsWith(`${key}=`)) ?? false;
  const files = [
    ["root", `live:\${url}/${name}.squashfs`],
    ["initrd", `${name}-initrd`],
  ] as const;
  const places = files.filter(([key]) => !isGiven(key)).map(([key, value]) => `${key}=${value}`);
  const config = isGiven("config_url") ? [] : [`config_url=\${config}`];
  const asked = (consoles ?? []).map((console) => `console=${console}`);
  if (own !== undefined) return [...places, ...own, ...config, ...asked].join(" ");
  return [
    ...places,
    "rd.neednet=1",
    "ip=dhcp",
    "rd.cos.disable",
    "netboot",
    "install-mode",
    ...(/^v?[12]\./.test(release) ? ["nodepair.enable"] : []),
    ...config,
    ...(asked.length > 0 ? asked : usualConsoles.map((console) => `console=${console}`)),
    "rd.live.overlay.overlayfs",
    ...(hasSelinux ? ["selinux=0"] : []),
  ].join(" ");
}

/**
 * The same for a release of which only the name is known: that of its files. Whether it brings
 * SELinux is not.
 */
export function commandLineByName(name: string): string {
  return netbootCommandLine(name, { hasSelinux: false, release: versionInName(name) });
}

/**
 * A variable that only iPXE puts something in for, as `${net0/mac}`; undefined where there is none.
 * @param commandLine with `${url}` and `${config}`, for which `expandCommandLine` does
 */
export function foreignVariable(commandLine: string): string | undefined {
  return /\$\{(?!(?:url|config)\})[^}]*\}/.exec(commandLine)?.[0];
}

/**
 * A command line of `netbootCommandLine` for those who serve the files themselves.
 * @param url where the files are, without a slash at the end
 * @param config address of a cloud-config; the word for it is left out where there is none
 */
export function expandCommandLine(
  commandLine: string,
  { url, config }: { url: string; config: string | undefined },
): string {
  const words = commandLine.split(" ");
  return words
    .filter((word) => config !== undefined || !/\$\{config\}/.test(word))
    .map((word) => word.replace(/\$\{url\}/g, () => url).replace(/\$\{config\}/g, () => config!))
    .join(" ");
}
