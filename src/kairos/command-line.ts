/**
 * The kernel command line of Kairos' netboot releases, as it stands in an iPXE script: `${url}` is
 * where the files are, `${config}` the address of a cloud-config.
 *
 * `rd.live.overlay.overlayfs` is needed: without it dracut fetches the squashfs and then fails.
 * `selinux=0` is needed where the image brings an SELinux policy, or the boot hangs
 * (kairos-io/kairos issues 1867 and 2573).
 */
export function netbootCommandLine(name: string, { hasSelinux }: { hasSelinux: boolean }): string {
  const words = [
    `root=live:\${url}/${name}.squashfs`,
    `initrd=${name}-initrd`,
    "rd.neednet=1",
    "ip=dhcp",
    "rd.cos.disable",
    "netboot",
    "install-mode",
    `config_url=\${config}`,
    "console=tty1",
    "console=ttyS0",
    "rd.live.overlay.overlayfs",
  ];
  if (hasSelinux) words.push("selinux=0");
  return words.join(" ");
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
