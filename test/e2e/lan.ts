import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { endOf, startBound } from "./process.js";

const run = promisify(execFile);

/** A network segment with a DHCP server, the boot server, and room for one machine. */
interface Network {
  /** Prefix of all its addresses, such as `10.77.0.` */
  readonly prefix: string;
  readonly bootServer: string;
  /** The machine's network device on the host. */
  readonly tap: string;
}

/** Isolated networks: no packet leaves or enters them. */
export interface Lan {
  /** Words before a command that runs in the namespace of the boot server, or of the machines' taps. */
  readonly asBootServer: readonly string[];
  readonly asMachine: readonly string[];
  /** The boot server is connected to each. */
  readonly networks: readonly [Network, ...Network[]];
  close(): Promise<void>;
}

export interface LanOptions extends DhcpOptions {
  readonly networks?: number;
}

interface DhcpOptions {
  /** Whether dnsmasq assigns IPv4 addresses too. */
  readonly hasDhcp?: boolean;
  /** Further dnsmasq options, for example boot settings. */
  readonly dnsmasq?: readonly string[];
}

/**
 * Needs root. Every network has a dnsmasq that assigns addresses, without boot settings by default. It
 * and the boot server are each in a network namespace of their own.
 */
export async function startLan({ networks: count = 1, ...dhcp }: LanOptions = {}): Promise<Lan> {
  const lan = new LanBuilder(dhcp);
  try {
    return await lan.build(count);
  } catch (error) {
    await lan.remove();
    throw error;
  }
}

class LanBuilder {
  readonly #name = `knb-${randomBytes(3).toString("hex")}`;
  readonly #wire = `${this.#name}-wire`;
  readonly #server = `${this.#name}-server`;
  readonly #namespaces: string[] = [];
  readonly #ends: (() => Promise<unknown>)[] = [];
  readonly #dhcp: DhcpOptions;

  constructor(dhcp: DhcpOptions) {
    this.#dhcp = dhcp;
  }

  async build(count: number): Promise<Lan> {
    await this.#addNamespace(this.#wire);
    await this.#addNamespace(this.#server);
    const networks: Network[] = [];
    for (let index = 0; index < count; index += 1) networks.push(await this.#network(index));
    return {
      asBootServer: inside(this.#server),
      asMachine: inside(this.#wire),
      networks: networks as [Network, ...Network[]],
      close: () => this.remove(),
    };
  }

  async remove(): Promise<void> {
    for (const end of this.#ends) await end();
    for (const namespace of this.#namespaces) await ip(`netns del ${namespace}`).catch(() => {});
  }

  async #network(index: number): Promise<Network> {
    const prefix = `10.${77 + index}.0.`;
    const prefix6 = `fd00:${77 + index}::`;
    const [bridge, tap, dhcp] = [`br${index}`, `tap${index}`, `${this.#name}-dhcp${index}`];
    const bootServer = `${prefix}2`;
    await this.#addNamespace(dhcp);
    await ip(`-n ${this.#wire} link add ${bridge} type bridge`);
    await ip(`-n ${this.#wire} link set ${bridge} up`);
    await this.#plug(bridge, dhcp, "eth0", `${prefix}1`);
    await ip(`-n ${dhcp} addr add ${prefix6}1/64 dev eth0 nodad`);
    await this.#plug(bridge, this.#server, `eth${index}`, bootServer);
    await ip(`-n ${this.#wire} tuntap add ${tap} mode tap`);
    await ip(`-n ${this.#wire} link set ${tap} master ${bridge} up`);
    const range = `${prefix}50,${prefix}99`;
    const range6 = `${prefix6}50,${prefix6}99,64`;
    await this.#startDnsmasq(dhcp, this.#dhcp.hasDhcp === false ? [range6] : [range, range6]);
    return { prefix, bootServer, tap };
  }

  async #addNamespace(name: string): Promise<void> {
    await ip(`netns add ${name}`);
    this.#namespaces.push(name);
    await ip(`-n ${name} link set lo up`);
  }

  /** Connects a namespace to a bridge. */
  async #plug(bridge: string, namespace: string, device: string, address: string): Promise<void> {
    const port = `${bridge}-${namespace === this.#server ? "server" : "dhcp"}`;
    await ip(`-n ${this.#wire} link add ${port} type veth peer name ${device} netns ${namespace}`);
    await ip(`-n ${this.#wire} link set ${port} master ${bridge} up`);
    await ip(`-n ${namespace} addr add ${address}/24 broadcast + dev ${device}`);
    await ip(`-n ${namespace} link set ${device} up`);
  }

  /** Includes IPv6, because firmware and iPXE wait up to a minute for an IPv6 answer. */
  async #startDnsmasq(namespace: string, ranges: readonly string[]): Promise<void> {
    const scratch = await mkdtemp(join(tmpdir(), "kairos-netboot-lan-"));
    const [program, ...words] = [
      ...inside(namespace),
      "dnsmasq",
      ...["--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--log-facility=-"],
      ...["--interface=eth0", "--bind-interfaces", `--dhcp-leasefile=${join(scratch, "leases")}`],
      ...["--no-ping", "--enable-ra", ...ranges.map((range) => `--dhcp-range=${range},1h`)],
      ...(this.#dhcp.dnsmasq ?? []),
    ];
    const dnsmasq = startBound(program!, words, ["ignore", "ignore", "ignore"]);
    this.#ends.push(async () => {
      dnsmasq.kill("SIGKILL");
      await endOf(dnsmasq);
      await rm(scratch, { recursive: true, force: true });
    });
  }
}

function inside(namespace: string): string[] {
  return ["ip", "netns", "exec", namespace];
}

async function ip(words: string): Promise<void> {
  await run("ip", words.split(" "));
}
