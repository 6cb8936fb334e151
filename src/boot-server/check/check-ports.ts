import { createServer } from "node:net";
import type { InheritedSockets } from "../net/inherited-sockets.js";
import type { ServedAddress } from "../net/interfaces.js";
import { explainPortError, formatPortOwner } from "../net/port-error.js";
import { findPortOwner } from "../net/port-owner.js";
import { bindUdp } from "../net/udp-socket.js";
import type { DhcpMode } from "../options/validate-options.js";
import { type CheckResult, passed, runCheck } from "./check-result.js";

export interface RequiredPorts {
  readonly addresses: readonly ServedAddress[];
  readonly httpPort: number;
  readonly dhcp: DhcpMode;
  readonly inherited: InheritedSockets;
}

type Protocol = "HTTP" | "TFTP" | "DHCP" | "PXE";

interface RequiredPort {
  readonly protocol: Protocol;
  readonly number: number;
  /** Descriptors of inherited sockets. */
  readonly inherited: readonly number[];
  readonly addresses: readonly string[];
}

/** Binds each port for a moment. */
export async function checkPorts(required: RequiredPorts): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const port of portsOf(required)) {
    results.push(...(await runCheck(async () => [await checkPort(port)])));
  }
  return results;
}

/**
 * Checks the ports like `checkPorts`, but fails with the first port that is not available.
 * @throws NetbootError PORT_TAKEN, PORT_DENIED
 */
export async function requireAllPorts(required: RequiredPorts): Promise<void> {
  for (const port of portsOf(required)) await checkPort(port);
}

function portsOf({ httpPort, dhcp, inherited, addresses: served }: RequiredPorts): RequiredPort[] {
  const addresses = served.map(({ address }) => address);
  const ports: RequiredPort[] = [
    { protocol: "HTTP", number: httpPort, inherited: inherited.http, addresses },
    { protocol: "TFTP", number: 69, inherited: inherited.tftp, addresses },
  ];
  if (dhcp !== "off") {
    const withBroadcasts = ["0.0.0.0", ...addresses];
    ports.push(
      { protocol: "DHCP", number: 67, inherited: inherited.dhcp, addresses: withBroadcasts },
      { protocol: "PXE", number: 4011, inherited: inherited.pxe, addresses },
    );
  }
  return ports;
}

/** @throws NetbootError PORT_TAKEN, PORT_DENIED */
async function checkPort({
  protocol,
  number,
  inherited,
  addresses,
}: RequiredPort): Promise<CheckResult> {
  const port = `port ${number} for ${protocol}`;
  if (inherited.length > 0) return passed(`${port} comes from systemd`);
  const owner = protocol === "DHCP" ? await findPortOwner("udp", "0.0.0.0", number) : undefined;
  for (const address of addresses) {
    await tryBind(protocol, address, number).catch(async (error: unknown) => {
      throw await explainPortError(error, protocol, address, number);
    });
  }
  const shared = owner === undefined ? "" : `, shared with ${formatPortOwner(owner)}`;
  return passed(`${port} is available${shared}`);
}

async function tryBind(protocol: Protocol, address: string, port: number): Promise<void> {
  if (protocol === "HTTP") return tryListen(address, port);
  // Several programs may share the DHCP ports, because each gets all broadcasts (see dhcp/sockets.ts).
  const socket = await bindUdp(address, port, { reuseAddr: protocol !== "TFTP" });
  socket.close();
}

async function tryListen(address: string, port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, address, resolve);
  });
  await new Promise((resolve) => {
    server.close(resolve);
  });
}
