import { createServer } from "node:net";
import type { InheritedSockets } from "../net/inherited-sockets.js";
import type { ServedAddress } from "../net/interfaces.js";
import { explainPortError, formatPortOwner } from "../net/port-error.js";
import { findPortOwner } from "../net/port-owner.js";
import { bindUdp } from "../net/udp-socket.js";
import type { DhcpMode } from "../options/validate-options.js";
import { type CheckResult, ok, runCheck } from "./check-result.js";

export interface PortsWanted {
  readonly addresses: readonly ServedAddress[];
  readonly httpPort: number;
  readonly dhcp: DhcpMode;
  readonly inherited: InheritedSockets;
}

type Protocol = "HTTP" | "TFTP" | "DHCP" | "PXE";

interface Port {
  readonly protocol: Protocol;
  readonly number: number;
  /** Descriptors. */
  readonly handedOver: readonly number[];
  readonly addresses: readonly string[];
}

/** Takes each port for a moment. */
export async function checkPorts(wanted: PortsWanted): Promise<CheckResult[]> {
  const found: CheckResult[] = [];
  for (const port of portsOf(wanted)) {
    found.push(...(await runCheck(async () => [await checkPort(port)])));
  }
  return found;
}

/**
 * The same, for who needs them all.
 * @throws NetbootError PORT_TAKEN, PORT_DENIED
 */
export async function takePorts(wanted: PortsWanted): Promise<void> {
  for (const port of portsOf(wanted)) await checkPort(port);
}

function portsOf(wanted: PortsWanted): Port[] {
  const { httpPort, dhcp, inherited } = wanted;
  const addresses = wanted.addresses.map(({ address }) => address);
  const ports: Port[] = [
    { protocol: "HTTP", number: httpPort, handedOver: inherited.http, addresses },
    { protocol: "TFTP", number: 69, handedOver: inherited.tftp, addresses },
  ];
  if (dhcp !== "off") {
    const all = ["0.0.0.0", ...addresses];
    ports.push({ protocol: "DHCP", number: 67, handedOver: inherited.dhcp, addresses: all });
    ports.push({ protocol: "PXE", number: 4011, handedOver: inherited.pxe, addresses });
  }
  return ports;
}

/** @throws NetbootError PORT_TAKEN, PORT_DENIED */
async function checkPort({ protocol, number, handedOver, addresses }: Port): Promise<CheckResult> {
  const place = `port ${number} for ${protocol}`;
  if (handedOver.length > 0) return ok(`${place} is handed over by systemd`);
  const neighbour = protocol === "DHCP" ? await findPortOwner("udp", "0.0.0.0", number) : undefined;
  for (const address of addresses) {
    await take(protocol, address, number).catch(async (error: unknown) => {
      throw await explainPortError(error, protocol, address, number);
    });
  }
  return ok(
    `${place} can be had${neighbour === undefined ? "" : `, beside ${formatPortOwner(neighbour)}`}`,
  );
}

async function take(protocol: Protocol, address: string, port: number): Promise<void> {
  if (protocol === "HTTP") return takeTcp(address, port);
  // Broadcasts come to all that have these ports (see dhcp/server.ts).
  const socket = await bindUdp(address, port, { reuseAddr: protocol !== "TFTP" });
  socket.close();
}

async function takeTcp(address: string, port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, address, resolve);
  });
  await new Promise((resolve) => {
    server.close(resolve);
  });
}
