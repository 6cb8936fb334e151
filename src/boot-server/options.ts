import { readFile } from "node:fs/promises";
import { NetbootError } from "../support/index.js";
import type { ServeEvent } from "./events.js";
import type { LooseFiles } from "./releases.js";
import type { CloudConfig } from "./site.js";

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
  /**
   * - `proxy`: beside the DHCP server there is
   * - `full`: gives addresses as well, where there is no DHCP server
   * - `off`: somebody else tells machines where to begin
   */
  readonly dhcp?: string | undefined;
  /** With `full`: the addresses to give, as `192.168.77.100-192.168.77.199`. */
  readonly range?: string | undefined;
  /** With `full`: how long an address is a machine's, as `90s`, `30m`, `12h`, `7d`; `1h` if left out. */
  readonly leaseTime?: string | undefined;
  /** With `full`: what machines are told of the network; nothing if left out. */
  readonly router?: string | undefined;
  readonly dns?: readonly string[] | undefined;
  /** With `full`: gives addresses also where another DHCP server does. */
  readonly dhcpAnyway?: boolean | undefined;
  /** A directory for what is remembered across restarts; see `defaultStateDirectory`. */
  readonly stateDirectory?: string | undefined;
  /** Words that are added to the kernel's command line. */
  readonly commandLine?: string | undefined;
  /** A file, or an address that machines fetch from themselves. */
  readonly cloudConfig?: string | undefined;
  /** A directory with iPXE, looked through before that of Debian's package. */
  readonly ipxeDirectory?: string | undefined;
  /** Ends the serving. */
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: ServeEvent) => void) | undefined;
}

export interface CheckedServeOptions {
  readonly httpPort: number;
  readonly dhcp: "proxy" | "full" | "off";
  readonly commandLine: string;
  readonly cloudConfig: CloudConfig | undefined;
  readonly files: LooseFiles | undefined;
}

/** @throws NetbootError USAGE_INVALID, CLOUD_CONFIG_INVALID */
export async function checkServeOptions(options: ServeOptions): Promise<CheckedServeOptions> {
  const { httpPort = 8080, dhcp = "proxy", commandLine = "", cloudConfig } = options;
  if (!Number.isInteger(httpPort) || httpPort < 0 || httpPort > 65535) {
    throw usage("--http-port has to be a number from 1 to 65535.", "Leave it out to use 8080.");
  }
  if (dhcp !== "proxy" && dhcp !== "full" && dhcp !== "off") {
    throw usage(`--dhcp cannot be ${dhcp}.`, "It can be proxy or off, or full to give addresses.");
  }
  if (/[\n\r]/.test(commandLine)) {
    throw usage("--cmdline holds a line break.", "Write all words in one line.");
  }
  const files = looseFiles(options);
  if (files === undefined && (options.directories ?? []).length === 0) {
    throw usage("There is nothing to serve.", "Name a directory that extract made: serve out/");
  }
  return {
    files,
    httpPort,
    dhcp,
    commandLine,
    cloudConfig: cloudConfig === undefined ? undefined : await readCloudConfig(cloudConfig),
  };
}

function looseFiles({ kernel, initrd, squashfs }: ServeOptions): LooseFiles | undefined {
  if (kernel !== undefined && initrd !== undefined && squashfs !== undefined) {
    return { kernel, initrd, squashfs };
  }
  if (kernel === undefined && initrd === undefined && squashfs === undefined) return undefined;
  throw usage(
    "--kernel, --initrd and --squashfs belong together.",
    "Name all three, or a directory that extract made.",
  );
}

async function readCloudConfig(place: string): Promise<CloudConfig> {
  if (/^https?:\/\/\S+$/.test(place)) return { url: place };
  let text: string;
  try {
    text = await readFile(place, "utf8");
  } catch (error) {
    throw new NetbootError(
      "CLOUD_CONFIG_INVALID",
      `The cloud-config ${place} cannot be read.`,
      "Name a file, or an address that begins with http:// or https://.",
      { cause: error },
    );
  }
  if (text.startsWith("#cloud-config")) return { text };
  throw new NetbootError(
    "CLOUD_CONFIG_INVALID",
    `The file ${place} does not begin with #cloud-config.`,
    "Put that in its first line, or name another file.",
  );
}

function usage(message: string, hint: string): NetbootError {
  return new NetbootError("USAGE_INVALID", message, hint);
}
