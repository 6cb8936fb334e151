import { findCommandLineProblem } from "../../kairos/index.js";
import { usageError } from "../../support/index.js";
import { defaultMaxTransfers } from "../http/http-server.js";
import { BootApi } from "../machines/boot-api.js";
import type { RuleSources } from "../machines/load-rules.js";
import { MacPattern } from "../machines/mac-pattern.js";
import type { ReleaseFilePaths } from "../releases/read-release-files.js";
import { defaultStateDirectory } from "../state/state-directory.js";
import type { ServeOptions } from "./serve-options.js";

const dhcpModes = ["proxy", "server", "off"] as const;
export type DhcpMode = (typeof dhcpModes)[number];

export interface ValidServeOptions {
  readonly httpPort: number;
  readonly maxTransfers: number;
  readonly dhcp: DhcpMode;
  /** The inputs of the rules, in addition to releases and boot programs. */
  readonly ruleSources: Pick<RuleSources, "machinesFile" | "defaults" | "cloudConfig">;
  readonly stateDir: string;
  readonly allow: readonly MacPattern[];
  readonly deny: readonly MacPattern[];
  readonly files: ReleaseFilePaths | undefined;
  readonly api: BootApi | undefined;
}

/** @throws NetbootError USAGE_INVALID */
export function validateServeOptions(options: ServeOptions): ValidServeOptions {
  const { httpPort = 8080, maxTransfers = defaultMaxTransfers, cmdline = "" } = options;
  if (!Number.isInteger(httpPort) || httpPort < 0 || httpPort > 65535) {
    throw usageError("--http-port must be a port number, 0 to 65535.", "Omit it to use 8080.");
  }
  if (!Number.isInteger(maxTransfers) || maxTransfers < 1) {
    throw usageError("--max-transfers must be a positive number.", "Omit it to use 16.");
  }
  const problem = findCommandLineProblem(cmdline);
  if (problem !== undefined) throw usageError(`--cmdline ${problem}.`, "Leave it out.");
  const files = releaseFiles(options);
  const api = options.api === undefined ? undefined : new BootApi(options.api);
  if (files === undefined && api === undefined && (options.directories ?? []).length === 0) {
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
    dhcp: dhcpMode(options.dhcp ?? "proxy"),
    ruleSources: {
      machinesFile: options.machines,
      defaults: { boot: options.once ? "once" : undefined, commandLine: cmdline },
      cloudConfig: options.cloudConfig,
    },
    stateDir: options.stateDir ?? defaultStateDirectory(),
    allow: parsePatterns(options.allow, "--allow"),
    deny: parsePatterns(options.deny, "--deny"),
  };
}

function dhcpMode(text: string): DhcpMode {
  const mode = dhcpModes.find((known) => known === text);
  if (mode !== undefined) return mode;
  throw usageError(`--dhcp cannot be ${text}.`, "Use proxy, server or off.");
}

function releaseFiles({ kernel, initrd, squashfs }: ServeOptions): ReleaseFilePaths | undefined {
  if (kernel !== undefined && initrd !== undefined && squashfs !== undefined) {
    return { kernel, initrd, squashfs };
  }
  if (kernel === undefined && initrd === undefined && squashfs === undefined) return undefined;
  throw usageError(
    "--kernel, --initrd and --squashfs belong together.",
    "Name all three, or a directory that extract made.",
  );
}

function parsePatterns(texts: readonly string[] | undefined, flag: string): MacPattern[] {
  return (texts ?? []).map((text) => {
    const pattern = MacPattern.parse(text);
    if (pattern !== undefined) return pattern;
    throw usageError(
      `${flag} ${text} is not a MAC address or the beginning of one.`,
      "Write 52:54:00:aa:bb:01, or its beginning, or * for any byte: 52:54:00:*.",
    );
  });
}
