import { expandCommandLine } from "../../kairos/index.js";
import type { Release } from "../releases.js";

/** What iPXE says of the machine it runs on. */
export interface Machine {
  /** In lower case with colons; undefined where it was not said. */
  readonly mac: string | undefined;
  readonly uuid: string | undefined;
  readonly serial: string | undefined;
  /** As OCI names it; undefined where it was not said or is not known. */
  readonly architecture: string | undefined;
}

export const machineScriptName = "machine.ipxe";

/**
 * The script that every iPXE gets: it tells the server which machine it is, and asks again as long
 * as the server does not answer. The address is absolute: iPXE takes what stands before the colon
 * of a hardware address for the scheme of a relative one.
 * @param base `http://ADDRESS:PORT`
 */
export function firstScript(base: string): string {
  const said = ["mac", "uuid", "serial", "buildarch", "platform"];
  const query = said.map((name) => `${name}=\${${name}}`).join("&");
  return `#!ipxe
:ask
chain --replace ${base}/${machineScriptName}?${query} || goto failed
:failed
echo The boot server did not answer; trying again in 5 seconds.
sleep 5
goto ask
`;
}

/** Reads what the first script sends. */
export function machineFrom(query: URLSearchParams): Machine {
  const said = (name: string) => query.get(name) || undefined;
  return {
    mac: said("mac")?.toLowerCase().replaceAll("-", ":"),
    uuid: said("uuid")?.toLowerCase(),
    serial: said("serial"),
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
  /** Address of the cloud-config; undefined where there is none. */
  readonly cloudConfig: string | undefined;
  /** Added to the release's command line. */
  readonly commandLine: string;
}

/** The script that boots a release. */
export function bootScript({ release, url, cloudConfig, commandLine }: BootScriptInput): string {
  const { kernel, initrd } = release;
  const own = expandCommandLine(release.commandLine, { url, config: cloudConfig });
  const line = `${own} ${commandLine}`.trim();
  return `#!ipxe
echo Booting ${release.name}
:fetch
imgfree
kernel --name ${kernel.name} ${url}/${kernel.name} ${line} || goto failed
initrd --name ${initrd.name} ${url}/${initrd.name} || goto failed
boot || goto failed
:failed
echo Fetching the release failed; trying again in 10 seconds.
sleep 10
goto fetch
`;
}

/** For a machine that there is nothing for: says why, and lets the firmware go on. */
export function refusalScript(reason: string): string {
  return `#!ipxe
echo This boot server has nothing for this machine: ${reason}.
sleep 10
exit 1
`;
}
