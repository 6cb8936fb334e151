import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { endOf, startBound } from "./process.js";

const run = promisify(execFile);

/** Who is on the network, each in a network namespace of its own: a DHCP server, and a boot server. */
export const DHCP_SERVER = "10.77.0.1";
export const BOOT_SERVER = "10.77.0.2";

/** A network that exists nowhere but here: no packet leaves it, none comes in. */
export interface Lan {
  /** Words before a command that is to run where the boot server is, or the machines' tap. */
  readonly asBootServer: readonly string[];
  readonly asMachine: readonly string[];
  /** The machine's network device on the host. */
  readonly tap: string;
  close(): Promise<void>;
}

/** Needs root; dnsmasq gives addresses, and knows nothing of booting. */
export async function startLan(): Promise<Lan> {
  const prefix = `knb-${randomBytes(3).toString("hex")}`;
  const [wire, dhcp, server] = ["wire", "dhcp", "server"].map((name) => `${prefix}-${name}`);
  const inside = (namespace: string) => ["ip", "netns", "exec", namespace];
  const ip = (words: string) => run("ip", words.split(" "));
  const scratch = await mkdtemp(join(tmpdir(), "kairos-netboot-lan-"));
  const remove = async () => {
    for (const namespace of [wire, dhcp, server])
      await ip(`netns del ${namespace}`).catch(() => {});
    await rm(scratch, { recursive: true, force: true });
  };
  try {
    for (const namespace of [wire, dhcp, server]) await ip(`netns add ${namespace}`);
    await ip(`-n ${wire} link add br0 type bridge`);
    await ip(`-n ${wire} link set br0 up`);
    for (const [namespace, address] of [
      [dhcp!, DHCP_SERVER],
      [server!, BOOT_SERVER],
    ] as const) {
      const port = namespace === dhcp ? "dhcp" : "server";
      await ip(`-n ${wire} link add ${port} type veth peer name eth0 netns ${namespace}`);
      await ip(`-n ${wire} link set ${port} master br0 up`);
      await ip(`-n ${namespace} addr add ${address}/24 broadcast 10.77.0.255 dev eth0`);
      await ip(`-n ${namespace} link set eth0 up`);
      await ip(`-n ${namespace} link set lo up`);
    }
    await ip(`-n ${wire} tuntap add tap0 mode tap`);
    await ip(`-n ${wire} link set tap0 master br0 up`);
    const [program, ...words] = [
      ...inside(dhcp!),
      ...[
        "dnsmasq",
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--port=0",
        "--log-facility=-",
      ],
      ...["--interface=eth0", "--bind-interfaces", `--dhcp-leasefile=${join(scratch, "leases")}`],
      "--dhcp-range=10.77.0.50,10.77.0.99,1h",
    ];
    const dnsmasq = startBound(program!, words, ["ignore", "ignore", "ignore"]);
    return {
      asBootServer: inside(server!),
      asMachine: inside(wire!),
      tap: "tap0",
      close: async () => {
        dnsmasq.kill("SIGKILL");
        await endOf(dnsmasq);
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
