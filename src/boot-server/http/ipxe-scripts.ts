import { expandCommandLine } from "../../kairos/index.js";
import { ipxeQuery } from "../machines/machine-facts.js";
import type { Release } from "../releases/release.js";
import { machineScriptUrl } from "./urls.js";

/**
 * The script that every iPXE gets. It reports the machine to the server, and repeats that until the
 * server answers. The URL is absolute: iPXE takes the first part of a MAC address, up to the colon,
 * as the scheme of a relative URL.
 * @param base `http://ADDRESS:PORT`
 */
export function firstScript(base: string): string {
  return `#!ipxe
:ask
chain --replace ${machineScriptUrl(base)}?${ipxeQuery()} || goto failed
:failed
echo The boot server did not answer. Trying again in 5 seconds.
sleep 5
goto ask
`;
}

export interface BootScriptInput {
  readonly release: Release;
  /** URL of the release's files, without a slash at the end. */
  readonly url: string;
  readonly firstScriptUrl: string;
  /** URL of the cloud-config; undefined if there is none. */
  readonly cloudConfigUrl: string | undefined;
  /** Words to add to the release's command line. */
  readonly commandLine: string;
}

/** Boots a release. If that fails, it starts over, because another release may be served in the meantime. */
export function bootScript(input: BootScriptInput): string {
  const { release, url, cloudConfigUrl, commandLine } = input;
  const { kernel, initrd } = release;
  const ownCommandLine = expandCommandLine(release.commandLine, { url, config: cloudConfigUrl });
  const line = `${ownCommandLine} ${commandLine}`.trim();
  return `#!ipxe
echo Booting ${release.name}
imgfree
kernel --name ${kernel.name} ${url}/${kernel.name} ${line} || goto failed
initrd --name ${initrd.name} ${url}/${initrd.name} || goto failed
boot || goto failed
:failed
echo Fetching the release failed. Trying again in 10 seconds.
sleep 10
chain --replace ${input.firstScriptUrl} || goto failed
`;
}

/** For a machine that boots from its disk. UEFI firmware goes on to the disk only after a failure. */
export function diskScript(): string {
  return `#!ipxe
echo This machine boots from its disk.
exit 1
`;
}

/** For a machine that is refused. It says why, and lets the firmware go on. */
export function refusalScript(reason: string): string {
  return `#!ipxe
echo The boot server refused this machine: ${echoText(reason)}
sleep 10
exit 1
`;
}

/** Removes characters that iPXE interprets, as in `${` and `||`. */
export function echoText(text: string): string {
  return text.replace(/[^\w .,:/()-]/g, " ");
}
