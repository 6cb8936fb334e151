import { NetbootError } from "../../support/index.js";

/** sd_listen_fds(3), SD_LISTEN_FDS_START. */
const firstDescriptor = 3;

/** Sockets that are bound already when the program starts, by what they are for. */
export interface InheritedSockets {
  /** Descriptors of TCP sockets that listen. */
  readonly http: readonly number[];
  /** Descriptors of UDP sockets on port 69. */
  readonly tftp: readonly number[];
  /** Descriptors of UDP sockets on port 4011. */
  readonly pxe: readonly number[];
  /** Descriptors of UDP sockets on port 67: of all addresses, and of each that is served. */
  readonly dhcp: readonly number[];
}

export const noInheritedSockets: InheritedSockets = { http: [], tftp: [], pxe: [], dhcp: [] };

/**
 * Takes the sockets that systemd hands over (sd_listen_fds(3)); the names that their units give
 * them (systemd.socket(5), FileDescriptorName=) say what they are for: `http`, `tftp`, `pxe` or
 * `dhcp`. The variables are removed: they are not for children.
 * @throws NetbootError LISTEN_INVALID where a name is none of these
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
    return { fd: firstDescriptor + index, use: useOf(names[index] ?? "") };
  });
  const of = (wanted: Use) => sockets.filter(({ use }) => use === wanted).map(({ fd }) => fd);
  return { http: of("http"), tftp: of("tftp"), pxe: of("pxe"), dhcp: of("dhcp") };
}

type Use = keyof InheritedSockets;

function useOf(name: string): Use {
  if (Object.hasOwn(noInheritedSockets, name)) return name as Use;
  throw new NetbootError(
    "LISTEN_INVALID",
    `A socket was handed over under the name "${name}", which says nothing of its use.`,
    "Set FileDescriptorName= of its unit to http, tftp, pxe or dhcp.",
  );
}
