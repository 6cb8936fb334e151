import type { DhcpOptions } from "../dhcp/dhcp-settings.js";
import type { ServeEvent } from "../events/events.js";

/** The options of `serve`. Each has the name of the command line's option. */
export interface ServeOptions extends DhcpOptions {
  /** Directories that `extract` made. For each architecture, the first release is the default. */
  readonly directories?: readonly string[] | undefined;
  /** Files that another tool made: all three, or none. */
  readonly kernel?: string | undefined;
  readonly initrd?: string | undefined;
  readonly squashfs?: string | undefined;
  /** Addresses or interfaces to serve on; all except the loopback if empty. */
  readonly listen?: readonly string[] | undefined;
  /** The port for HTTP; 8080 by default, and a free one for 0. */
  readonly httpPort?: number | undefined;
  /** Maximum number of concurrent HTTP transfers of files from 16 MiB on; 16 by default. */
  readonly maxTransfers?: number | undefined;
  /** The machines file: which machine boots what. The server reads it again when it changes. */
  readonly machines?: string | undefined;
  /** URL of a boot API (pixiecore's), which the server asks what each machine boots. */
  readonly api?: string | undefined;
  /** Patterns of MAC addresses. If any are given, only these machines are served. */
  readonly allow?: readonly string[] | undefined;
  /** Patterns of MAC addresses of machines that are not served. */
  readonly deny?: readonly string[] | undefined;
  /** Boots each machine from the network once, and sends it to its disk from then on. */
  readonly once?: boolean | undefined;
  /** The directory for persistent state; see `defaultStateDirectory`. */
  readonly stateDir?: string | undefined;
  /** Words to add to the kernel command line. */
  readonly cmdline?: string | undefined;
  /** A file, which is read again when it changes, or a URL that machines fetch themselves. */
  readonly cloudConfig?: string | undefined;
  /** A directory with iPXE binaries, which take precedence over those of Debian's package. */
  readonly ipxeDir?: string | undefined;
  /** Stops the server. */
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: ServeEvent) => void) | undefined;
}
