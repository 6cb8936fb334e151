import { formatWaitConfig } from "./grub-config.js";
import { findIsoBootPrograms } from "./iso-boot-programs.js";
import { earliestTime } from "./iso-time.js";
import { writeIso } from "./write-iso.js";

export interface WaitingIsoOptions {
  /** The file to make. */
  readonly path: string;
  /** A directory for intermediate files. */
  readonly scratch: string;
  readonly ipxeDir?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** `autoboot` asks DHCP servers and ProxyDHCP servers, as iPXE does without a script. */
const script = `#!ipxe
:wait
echo Looking for a boot server on the network.
autoboot || echo No boot server answered; retrying in 5 seconds.
sleep 5
goto wait
`;

/**
 * Makes an ISO that waits for a boot server on the network and boots what it offers.
 * @throws NetbootError PROGRAM_MISSING, PROGRAM_FAILED, USAGE_INVALID
 */
export async function makeWaitingIso(options: WaitingIsoOptions): Promise<void> {
  const { path, scratch, ipxeDir, signal } = options;
  await writeIso({
    path,
    scratch,
    script,
    grubConfig: formatWaitConfig,
    grubStartsIpxe: true,
    programs: await findIsoBootPrograms(ipxeDir),
    time: earliestTime,
    signal,
  });
}
