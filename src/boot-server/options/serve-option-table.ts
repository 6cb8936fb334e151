import type { OptionTable, OptionValues } from "../../support/index.js";

const releases = "Releases:";
const network = "Network:";
const dhcp = "DHCP:";
/** The options that need `--dhcp server`. */
export const dhcpServerGroup = "With --dhcp server:";
const machines = "Machines:";

/**
 * The options of `serve`, one row each, in the order of the help. `validateServeOptions` checks their
 * values.
 *
 * The command line reads this file for its help, so it imports nothing at run time.
 */
export const serveOptionTable = {
  /** A kernel that another tool made; with `initrd` and `squashfs`. */
  kernel: {
    flags: "--kernel <file>",
    type: "text",
    help: "kernel of a release made by another tool; requires --initrd and --squashfs",
    group: releases,
  },
  /** See `kernel`. */
  initrd: { flags: "--initrd <file>", type: "text", help: "see --kernel", group: releases },
  /** See `kernel`. */
  squashfs: { flags: "--squashfs <file>", type: "text", help: "see --kernel", group: releases },
  /** Words to add to the kernel command line. */
  cmdline: {
    flags: "--cmdline <words>",
    type: "text",
    help: "words to add to the kernel command line",
    group: releases,
  },
  /** A file, which is read again when it changes, or a URL that machines fetch themselves. */
  cloudConfig: {
    flags: "--cloud-config <file|url>",
    type: "text",
    help: "cloud-config for all machines",
    group: releases,
  },
  /** A directory with iPXE binaries, which take precedence over those of Debian's package. */
  ipxeDir: {
    flags: "--ipxe-dir <dir>",
    type: "text",
    help: "directory with iPXE binaries that replace those in /usr/lib/ipxe",
    group: releases,
  },
  /** Addresses or interfaces to serve on; all except the loopback if empty. */
  listen: {
    flags: "--listen <address|interface>",
    type: "texts",
    help: "address or interface to serve on",
    defaultHelp: "all except the loopback",
    group: network,
  },
  /** The port for HTTP; 8080 by default, and a free port for 0. */
  httpPort: {
    flags: "--http-port <n>",
    type: "number",
    help: "port for HTTP",
    defaultHelp: "8080",
    group: network,
  },
  /** Maximum number of concurrent HTTP transfers of files of 16 MiB or more; 16 by default. */
  maxTransfers: {
    flags: "--max-transfers <n>",
    type: "number",
    help: "maximum number of concurrent transfers of files of 16 MiB or more",
    defaultHelp: "16",
    group: network,
  },
  /**
   * - `proxy` (the default): answers alongside the network's DHCP server
   * - `server`: also assigns addresses, on a network without a DHCP server
   * - `off`: does not answer DHCP; something else tells machines where to start
   */
  dhcp: {
    flags: "--dhcp <mode>",
    type: "text",
    help: "proxy (alongside a DHCP server), server (also assign addresses), or off",
    defaultHelp: "proxy",
    group: dhcp,
  },
  /** With `dhcp: "server"`: the addresses to assign, for example `192.168.77.100-192.168.77.199`. */
  dhcpRange: {
    flags: "--dhcp-range <first-last>",
    type: "text",
    help: "addresses to assign",
    group: dhcpServerGroup,
  },
  /** With `dhcp: "server"`: how long a lease lasts: `90s`, `30m`, `12h`, `7d`; `1h` by default. */
  dhcpLeaseTime: {
    flags: "--dhcp-lease-time <time>",
    type: "text",
    help: "lease time, such as 30m, 12h, or 7d",
    defaultHelp: "1h",
    group: dhcpServerGroup,
  },
  /** With `dhcp: "server"`: the default gateway that machines get; none by default. */
  dhcpRouter: {
    flags: "--dhcp-router <address>",
    type: "text",
    help: "default gateway",
    defaultHelp: "none",
    group: dhcpServerGroup,
  },
  /** With `dhcp: "server"`: the DNS servers that machines get; none by default. */
  dhcpDns: {
    flags: "--dhcp-dns <address>",
    type: "texts",
    help: "DNS server",
    defaultHelp: "none",
    group: dhcpServerGroup,
  },
  /** With `dhcp: "server"`: assigns addresses even if another DHCP server answers. */
  forceDhcp: {
    flags: "--force-dhcp",
    type: "flag",
    help: "assign addresses even if another DHCP server answers",
    group: dhcpServerGroup,
  },
  /** The machines file, which says which machine boots what. It is read again when it changes. */
  machines: {
    flags: "--machines <file>",
    type: "text",
    help: "YAML file that says what each machine boots",
    group: machines,
  },
  /** URL of a boot API (pixiecore's), which the server asks what each machine boots. */
  api: {
    flags: "--api <url>",
    type: "text",
    help: "URL of an API that decides what each machine boots (pixiecore's API)",
    group: machines,
  },
  /** Patterns of MAC addresses. If there are any, only these machines are served. */
  allow: {
    flags: "--allow <mac>",
    type: "texts",
    help: "serve only these machines, for example 52:54:00:*",
    group: machines,
  },
  /** Patterns of MAC addresses of machines that are not served. */
  deny: {
    flags: "--deny <mac>",
    type: "texts",
    help: "do not serve these machines",
    group: machines,
  },
  /** Boots each machine from the network once, and from its disk after that. */
  once: {
    flags: "--once",
    type: "flag",
    help: "boot each machine from the network once, and from its disk after that",
    group: machines,
  },
  /** The directory for persistent state; see `defaultStateDirectory`. */
  stateDir: {
    flags: "--state-dir <dir>",
    type: "text",
    help: "directory for persistent state",
    group: machines,
  },
} as const satisfies OptionTable;

export type ServeTableOptions = OptionValues<typeof serveOptionTable>;
