import { waitConfiguration } from "./grub.js";
import { findBootPrograms } from "./iso-boot-programs.js";
import { earliestTime } from "./iso-time.js";
import { makeIso } from "./write-iso.js";

export interface WaitingIsoOptions {
  /** The file to make. */
  readonly path: string;
  /** A directory for files in between. */
  readonly scratch: string;
  readonly ipxeDirectory?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** iPXE asks the network as it does by itself: a DHCP server, and a ProxyDHCP server beside it. */
const script = `#!ipxe
:wait
echo Looking for a boot server on the network.
autoboot || echo No boot server answered; trying again in 5 seconds.
sleep 5
goto wait
`;

/**
 * Makes the ISO that boots whatever a boot server on the network says, and waits for one.
 * @throws NetbootError PROGRAM_MISSING, PROGRAM_FAILED, USAGE_INVALID
 */
export async function makeWaitingIso(options: WaitingIsoOptions): Promise<void> {
  const { path, scratch, ipxeDirectory, signal } = options;
  await makeIso({
    path,
    scratch,
    script,
    grub: waitConfiguration,
    grubStartsIpxe: true,
    programs: await findBootPrograms(ipxeDirectory),
    time: earliestTime,
    signal,
  });
}
