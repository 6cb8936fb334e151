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
