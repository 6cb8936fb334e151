import { NetbootError } from "../../support/index.js";

/** SD_LISTEN_FDS_START (sd_listen_fds(3)). */
const firstDescriptor = 3;

/** Sockets that systemd bound before it started the program, grouped by protocol. */
export interface InheritedSockets {
  /** File descriptors of listening TCP sockets. */
  readonly http: readonly number[];
  /** File descriptors of UDP sockets on port 69. */
  readonly tftp: readonly number[];
  /** File descriptors of UDP sockets on port 4011. */
  readonly pxe: readonly number[];
  /** File descriptors of UDP sockets on port 67: one for all addresses, and one per served address. */
  readonly dhcp: readonly number[];
}

export const noInheritedSockets: InheritedSockets = { http: [], tftp: [], pxe: [], dhcp: [] };

/**
 * Takes over the sockets that systemd passes to the program (sd_listen_fds(3)). Each socket's name
 * (FileDescriptorName= in systemd.socket(5)) says which protocol it is for: `http`, `tftp`, `pxe`,
 * or `dhcp`. Removes the variables from the environment so that child processes do not see them.
 * @throws NetbootError LISTEN_INVALID if a socket has another name
 */
export function takeInheritedSockets(
  environment: NodeJS.ProcessEnv = process.env,
  pid: number = process.pid,
): InheritedSockets {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES = "" } = environment;
  if (Number(LISTEN_PID) !== pid) return noInheritedSockets;
  for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete environment[name];
  const names = LISTEN_FDNAMES.split(":");
  const count = Number(LISTEN_FDS) || 0;
  const sockets = Array.from({ length: count }, (_, index) => {
    return { fd: firstDescriptor + index, protocol: protocolNamed(names[index] ?? "") };
  });
  const fdsFor = (wanted: Protocol) =>
    sockets.filter(({ protocol }) => protocol === wanted).map(({ fd }) => fd);
  return { http: fdsFor("http"), tftp: fdsFor("tftp"), pxe: fdsFor("pxe"), dhcp: fdsFor("dhcp") };
}

type Protocol = keyof InheritedSockets;

function protocolNamed(name: string): Protocol {
  if (Object.hasOwn(noInheritedSockets, name)) return name as Protocol;
  throw new NetbootError(
    "LISTEN_INVALID",
    `systemd passed a socket named "${name}", which is not a protocol of this server.`,
    "Set FileDescriptorName= in its unit to http, tftp, pxe, or dhcp.",
  );
}
