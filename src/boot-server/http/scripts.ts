import { expandCommandLine } from "../../kairos/index.js";
import { type Machine, normalizeMac } from "../machines/machine.js";
import type { Release } from "../releases/release.js";

/**
 * The script that every iPXE gets: it tells the server which machine it is, and asks again as long
 * as the server does not answer. The address is absolute: iPXE takes what stands before the colon
 * of a hardware address for the scheme of a relative one.
 * @param base `http://ADDRESS:PORT`
 */
export function firstScript(base: string): string {
  const said = ["mac", "uuid", "buildarch", "platform"].map((name) => `${name}=\${${name}}`);
  // Texts that people wrote can hold anything.
  const written = ["serial", "hostname"].map((name) => `${name}=\${${name}:uristring}`);
  const query = [...said, ...written].join("&");
  return `#!ipxe
:ask
chain --replace ${base}/machine.ipxe?${query} || goto failed
:failed
echo The boot server did not answer; trying again in 5 seconds.
sleep 5
goto ask
`;
}

/** Characters of what a machine says of itself that are kept. */
const longestWord = 64;

/**
 * Reads what the first script sends.
 * @returns undefined where that names no hardware address
 */
export function machineFrom(query: URLSearchParams): Machine | undefined {
  const said = (name: string) => query.get(name)?.trim().slice(0, longestWord) || undefined;
  const mac = normalizeMac(query.get("mac") ?? "");
  if (mac === undefined) return undefined;
  return {
    mac,
    uuid: said("uuid")?.toLowerCase(),
    serial: said("serial"),
    hostname: said("hostname"),
    architecture: architectureOf(said("buildarch"), said("platform")),
  };
}

/** iPXE for BIOS is 32-bit code on whatever processor; under UEFI it is what the firmware is. */
function architectureOf(buildarch?: string, platform?: string): string | undefined {
  if (platform === "pcbios" || buildarch === "x86_64") return "amd64";
  if (buildarch === "arm64") return "arm64";
  if (buildarch === "arm32") return "arm";
  return buildarch === "i386" ? "386" : undefined;
}

export interface BootScriptInput {
  readonly release: Release;
  /** Where the release's files are, without a slash at the end. */
  readonly url: string;
  /** Address of the first script. */
  readonly first: string;
  /** Address of the cloud-config; undefined where there is none. */
  readonly cloudConfig: string | undefined;
  /** Added to the release's command line. */
  readonly commandLine: string;
}

/** The script that boots a release; where that fails, it asks anew, as another one may be served. */
export function bootScript(input: BootScriptInput): string {
  const { release, url, first, cloudConfig, commandLine } = input;
  const { kernel, initrd } = release;
  const own = expandCommandLine(release.commandLine, { url, config: cloudConfig });
  const line = `${own} ${commandLine}`.trim();
  return `#!ipxe
echo Booting ${release.name}
imgfree
kernel --name ${kernel.name} ${url}/${kernel.name} ${line} || goto failed
initrd --name ${initrd.name} ${url}/${initrd.name} || goto failed
boot || goto failed
:failed
echo Fetching the release failed; trying again in 10 seconds.
sleep 10
chain --replace ${first} || goto failed
`;
}

/** For a machine that boots from its disk: under UEFI only a failure makes the firmware go on. */
export function diskScript(): string {
  return `#!ipxe
echo This machine boots from its disk.
exit 1
`;
}

/** For a machine that there is nothing for: says why, and lets the firmware go on. */
export function refusalScript(reason: string): string {
  return `#!ipxe
echo This boot server has nothing for this machine: ${lineOf(reason)}
sleep 10
exit 1
`;
}

/** iPXE would read `${` and `||` as its own. */
export function lineOf(text: string): string {
  return text.replace(/[^\w .,:/()-]/g, " ");
}
