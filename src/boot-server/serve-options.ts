import { usageError } from "../support/index.js";
import type { ServeEvent } from "./events/events.js";
import { defaultMaxTransfers } from "./http/http-server.js";
import { BootApi } from "./machines/boot-api.js";
import type { RuleSources } from "./machines/load-rules.js";
import { MacPattern } from "./machines/mac-pattern.js";
import type { ReleaseFiles } from "./releases/release.js";
import { defaultStateDirectory } from "./state/state-directory.js";

export interface ServeOptions {
  /** Directories that `extract` made; for each architecture the first one is served. */
  readonly directories?: readonly string[] | undefined;
  /** Files that somebody else made: all three, or none. */
  readonly kernel?: string | undefined;
  readonly initrd?: string | undefined;
  readonly squashfs?: string | undefined;
  /** Addresses or interfaces; all but the loopback if empty. */
  readonly listen?: readonly string[] | undefined;
  readonly httpPort?: number | undefined;
  /** Large files that are sent at once, by HTTP; further machines wait for their turn. */
  readonly maxTransfers?: number | undefined;
  /**
   * - `proxy`: beside the DHCP server there is
   * - `full`: gives addresses as well, where there is no DHCP server
   * - `off`: somebody else tells machines where to begin
   */
  readonly dhcp?: string | undefined;
  /** A file that says what is done with which machine; read again when it changes. */
  readonly machines?: string | undefined;
  /** Address of a boot API (pixiecore's), which is asked what each machine boots. */
  readonly api?: string | undefined;
  /** Patterns of hardware addresses: the only machines that get something, if any is given. */
  readonly allow?: readonly string[] | undefined;
  /** Patterns of hardware addresses: machines that get nothing. */
  readonly deny?: readonly string[] | undefined;
  /** True to boot each machine once, and to send it to its disk from then on. */
  readonly isOnce?: boolean | undefined;
  /** With `full`: the addresses to give, as `192.168.77.100-192.168.77.199`. */
  readonly range?: string | undefined;
  /** With `full`: how long an address is a machine's, as `90s`, `30m`, `12h`, `7d`; `1h` if left out. */
  readonly leaseTime?: string | undefined;
  /** With `full`: what machines are told of the network; nothing if left out. */
  readonly router?: string | undefined;
  readonly dns?: readonly string[] | undefined;
  /** With `full`: gives addresses also where another DHCP server does. */
  readonly dhcpAnyway?: boolean | undefined;
  /** Where what outlives the server is kept; see `defaultStateDirectory`. */
  readonly stateDirectory?: string | undefined;
  /** Words that are added to the kernel's command line. */
  readonly commandLine?: string | undefined;
  /** A file, read again when it changes, or an address that machines fetch from themselves. */
  readonly cloudConfig?: string | undefined;
  /** A directory with iPXE, looked through before that of Debian's package. */
  readonly ipxeDirectory?: string | undefined;
  /** Ends the serving. */
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: ServeEvent) => void) | undefined;
}

export interface CheckedServeOptions {
  readonly httpPort: number;
  readonly maxTransfers: number;
  readonly dhcp: "proxy" | "full" | "off";
  /** What the rules are made of, beside releases and boot programs. */
  readonly ruleSources: Pick<RuleSources, "machinesFile" | "defaults" | "cloudConfig">;
  readonly stateDirectory: string;
  readonly allow: readonly MacPattern[];
  readonly deny: readonly MacPattern[];
  readonly files: ReleaseFiles | undefined;
  readonly api: BootApi | undefined;
}

/** @throws NetbootError USAGE_INVALID */
export function checkServeOptions(options: ServeOptions): CheckedServeOptions {
  const { httpPort = 8080, maxTransfers = defaultMaxTransfers, dhcp = "proxy" } = options;
  const { commandLine = "" } = options;
  if (!Number.isInteger(httpPort) || httpPort < 0 || httpPort > 65535) {
    throw usageError(
      "--http-port has to be a number from 1 to 65535.",
      "Leave it out to use 8080.",
    );
  }
  if (!Number.isInteger(maxTransfers) || maxTransfers < 1) {
    throw usageError("--max-transfers has to be a number from 1 on.", "Leave it out to use 16.");
  }
  if (dhcp !== "proxy" && dhcp !== "full" && dhcp !== "off") {
    throw usageError(
      `--dhcp cannot be ${dhcp}.`,
      "It can be proxy or off, or full to give addresses.",
    );
  }
  if (/[\n\r]/.test(commandLine)) {
    throw usageError("--cmdline holds a line break.", "Write all words in one line.");
  }
  const files = releaseFiles(options);
  const api = options.api === undefined ? undefined : new BootApi(options.api);
  if (files === undefined && api === undefined && (options.directories ?? []).length === 0) {
    const swallowed = [options.listen, options.allow, options.deny, options.dns]
      .flatMap((words) => words ?? [])
      .find((word) => word.includes("/"));
    if (swallowed !== undefined) {
      throw usageError(
        `There is nothing to serve: ${swallowed} was taken for a part of the option before it.`,
        "Put the directories first: serve out/ --listen eth0",
      );
    }
    throw usageError(
      "There is nothing to serve.",
      "Name a directory that extract made: serve out/",
    );
  }
  return {
    files,
    api,
    httpPort,
    maxTransfers,
    dhcp,
    ruleSources: {
      machinesFile: options.machines,
      defaults: { boot: options.isOnce ? "once" : undefined, commandLine },
      cloudConfig: options.cloudConfig,
    },
    stateDirectory: options.stateDirectory ?? defaultStateDirectory(),
    allow: patterns(options.allow, "--allow"),
    deny: patterns(options.deny, "--deny"),
  };
}

function releaseFiles({ kernel, initrd, squashfs }: ServeOptions): ReleaseFiles | undefined {
  if (kernel !== undefined && initrd !== undefined && squashfs !== undefined) {
    return { kernel, initrd, squashfs };
  }
  if (kernel === undefined && initrd === undefined && squashfs === undefined) return undefined;
  throw usageError(
    "--kernel, --initrd and --squashfs belong together.",
    "Name all three, or a directory that extract made.",
  );
}

function patterns(texts: readonly string[] | undefined, flag: string): MacPattern[] {
  return (texts ?? []).map((text) => {
    const pattern = MacPattern.parse(text);
    if (pattern !== undefined) return pattern;
    throw usageError(
      `${flag} ${text} is no hardware address.`,
      "Write 52:54:00:aa:bb:01, or its beginning, or * for any byte: 52:54:00:*.",
    );
  });
}
