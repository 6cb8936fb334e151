import type { ServeEvent } from "../events/events.js";
import type { ServeTableOptions } from "./serve-option-table.js";

/** The options of `serve`. Most have the name of the command line's option; see the table. */
export interface ServeOptions extends Readonly<ServeTableOptions> {
  /** Directories that `extract` made. For each architecture, the first release is the default. */
  readonly directories?: readonly string[] | undefined;
  /** With `dhcp: "server"`: milliseconds to wait for other DHCP servers before serving; 3500 by default. */
  readonly dhcpDiscoveryTimeoutMs?: number | undefined;
  /** Stops the server. */
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: ServeEvent) => void) | undefined;
}
