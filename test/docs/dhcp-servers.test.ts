import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { promisify } from "node:util";
import { type DhcpMessage, formatDhcp } from "../../src/boot-server/dhcp/message.js";
import { decodeFields } from "../boot-server/support/capture.js";
import { processLimits } from "../boot-server/support/dhcp-lan.js";
import { sentByMachine } from "../boot-server/support/recorded-machine.js";
import { demoRelease } from "../extract/support/demo-release.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { checkout } from "../support/checkout.js";
import { untilSays } from "../support/until-says.js";

const run = promisify(execFile);
const page = join(checkout, "docs/dhcp-servers.md");
const askDhcp = join(import.meta.dirname, "../boot-server/support/ask-dhcp.js");
const dhcpServer = "192.168.1.1";
const bootServer = "192.168.1.10";

/** How to run each server with a configuration in the file `config`, and what it logs when ready. */
const servers = {
  dnsmasq: {
    command:
      "dnsmasq --no-ping --keep-in-foreground --conf-file=config --port=0 --log-facility=- --leasefile-ro --user= --group= --pid-file=",
    ready: "IP range",
  },
  dhcpd: {
    command: "touch leases; dhcpd -f -cf config -lf leases --no-pid",
    ready: "Listening on",
  },
  kea: {
    command:
      "KEA_PIDFILE_DIR=$PWD KEA_LOCKFILE_DIR=$PWD KEA_LOGGER_DESTINATION=stdout kea-dhcp4 -c config",
    ready: "DHCP4_STARTED",
  },
} as const;
type Server = keyof typeof servers;

/** A private network with the addresses of the page: a DHCP server, a boot server, and a client. */
const setUp = `set -u; ${untilSays}
  ip link set lo up; mount -t tmpfs none /var/lib; mkdir /var/lib/kea
  ip link add br0 type bridge; ip link set br0 up; ip address add ${bootServer}/24 dev br0
  for name in dhcp client; do
    unshare --net sleep 300 & pid=$!; eval "pid_$name=$pid"
    until [ "$(readlink /proc/$pid/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
    ip link add "to_$name" type veth peer name eth0 netns "$pid"; ip link set "to_$name" master br0 up
    nsenter --net=/proc/$pid/ns/net ip link set eth0 up
  done
  at() { eval "pid=\\$pid_$1"; shift; nsenter --net=/proc/$pid/ns/net "$@"; }
  at dhcp ip link set lo up; at dhcp ip address add ${dhcpServer}/24 dev eth0
  at client ip route add 255.255.255.255 dev eth0
  start_dhcp() { : > dhcp.log; at dhcp sh -c "$1" > dhcp.log 2>&1 & dhcp=$!
    until_says dhcp.log "$2" $dhcp || { cat dhcp.log >&2; exit 1; }; }`;

/** The configuration block of the page with this label: \`\`\`LABEL. */
function blockOf(markdown: string, label: string): string {
  const block = markdown.split(`\n\`\`\`${label}\n`)[1]?.split("\n```")[0];
  assert.ok(block, `the page has a block ${label}`);
  return `${block}\n`;
}

/** A recorded DISCOVER with other options; undefined removes an option. */
function discover(
  recording: string,
  frame: number,
  changes: Readonly<Record<number, Buffer | undefined>> = {},
): DhcpMessage {
  const recorded = sentByMachine(recording).find((it) => it.frame === frame);
  assert.ok(recorded);
  const options = new Map(recorded.message.options);
  for (const [code, value] of Object.entries(changes)) {
    if (value === undefined) options.delete(Number(code));
    else options.set(Number(code), value);
  }
  return { ...recorded.message, options };
}

/** The options of a client with another architecture. */
function architecture(kind: "PXEClient" | "HTTPClient", number: number) {
  const vendorClass = `${kind}:Arch:${String(number).padStart(5, "0")}:UNDI:003000`;
  return { 60: Buffer.from(vendorClass), 93: Buffer.from([0, number]) };
}

const pxe = ["ovmf-pxe-port-4011.pcap", 1] as const;
const http = ["ovmf-http-boot.pcap", 9] as const;
const script = `http://${bootServer}:8080/boot.ipxe`;
const program = (name: string) => `http://${bootServer}:8080/programs/${name}`;

interface Expected {
  readonly bootFile: string;
  /** Undefined if the client does not use it. */
  readonly nextServer?: string;
  /** Option 60. */
  readonly vendorClass?: string;
}

const clients: readonly [name: string, message: DhcpMessage, expected: Expected][] = [
  [
    "BIOS",
    discover("seabios-ipxe.pcap", 1, {
      ...architecture("PXEClient", 0),
      77: undefined,
      175: undefined,
    }),
    { bootFile: "undionly.kpxe", nextServer: bootServer },
  ],
  ["UEFI amd64 (OVMF)", discover(...pxe), { bootFile: "snponly.efi", nextServer: bootServer }],
  [
    "UEFI amd64 (EBC)",
    discover(...pxe, architecture("PXEClient", 9)),
    { bootFile: "snponly.efi", nextServer: bootServer },
  ],
  [
    "UEFI arm64",
    discover(...pxe, architecture("PXEClient", 11)),
    { bootFile: "snponly-arm64.efi", nextServer: bootServer },
  ],
  [
    "UEFI HTTP Boot amd64 (OVMF)",
    discover(...http),
    { bootFile: program("snponly.efi"), vendorClass: "HTTPClient" },
  ],
  [
    "UEFI HTTP Boot arm64",
    discover(...http, architecture("HTTPClient", 19)),
    { bootFile: program("snponly-arm64.efi"), vendorClass: "HTTPClient" },
  ],
  ["iPXE under UEFI", discover("ovmf-http-boot.pcap", 18), { bootFile: script }],
  ["iPXE under BIOS", discover("seabios-ipxe.pcap", 1), { bootFile: script }],
  [
    "a machine that does not boot from the network",
    discover(...pxe, { 60: undefined, 93: undefined, 94: undefined, 97: undefined }),
    { bootFile: "" },
  ],
];

interface Offer {
  readonly server: string;
  readonly address: string;
  readonly nextServer: string;
  readonly bootFile: string;
  readonly vendorClass: string;
}

/** Decodes offers with tshark. */
function readOffers(offers: readonly string[], path: string): Offer[] {
  const datagrams = offers.map((hex) => ({ payload: Buffer.from(hex, "hex"), port: 67 }));
  const fields = [
    "dhcp.option.dhcp_server_id",
    "dhcp.ip.your",
    "dhcp.ip.server",
    "dhcp.file",
    "dhcp.option.bootfile_name",
    "dhcp.option.vendor_class_id",
  ];
  return decodeFields(datagrams, path, fields).map((values) => {
    const [server = "", address = "", nextServer = "", file = "", option67 = "", vendorClass = ""] =
      values;
    return { server, address, nextServer, bootFile: file || option67, vendorClass };
  });
}

/** Runs a server with a configuration of the page, and returns the offers to each client. */
async function offersFrom(
  server: Server,
  label: string,
  { count, serve = "" }: { readonly count: (name: string) => number; readonly serve?: string },
): Promise<Map<string, Offer[]>> {
  const directory = await temporaryDirectory();
  await writeFile(join(directory, "config"), blockOf(await readFile(page, "utf8"), label));
  const discovers = clients.map(([name, message]) => {
    return { message: formatDhcp(message).toString("hex"), offers: count(name) };
  });
  await writeFile(join(directory, "discovers.json"), JSON.stringify(discovers));
  await mkdir(join(directory, "ipxe"));
  for (const name of ["undionly.kpxe", "snponly.efi", "snponly-arm64.efi"]) {
    await writeFile(join(directory, "ipxe", name), name);
  }
  const { command, ready } = servers[server];
  const words = ["--map-root-user", "--net", "--mount", "--pid", "--mount-proc", "--fork"];
  const commands = `${setUp}
    cd "${directory}"; start_dhcp '${command}' '${ready}'
    ${serve}
    at client ${process.execPath} ${askDhcp} discovers.json || { cat dhcp.log >&2; exit 1; }`;
  const { stdout } = await run(
    "unshare",
    [...words, "--kill-child", "sh", "-c", commands],
    processLimits,
  );
  const replies: string[][] = JSON.parse(stdout);
  const offers = readOffers(replies.flat(), join(directory, "offers.pcap"));
  return new Map(
    replies.map(({ length }, index) => [clients[index]?.[0] ?? "", offers.splice(0, length)]),
  );
}

function assertLeased(address: string): void {
  const [, last] = /^192\.168\.1\.(\d+)$/.exec(address) ?? [];
  assert.ok(Number(last) >= 100 && Number(last) <= 199, `${address} is in the range`);
}

for (const server of ["dnsmasq", "dhcpd", "kea"] as const) {
  describe(`${server}, configured as docs/dhcp-servers.md says`, { timeout: 300_000 }, () => {
    describe("without ProxyDHCP", () => {
      let offers: Map<string, Offer[]>;
      before(async () => {
        offers = await offersFrom(server, `${server} alone`, { count: () => 1 });
      });

      for (const [name, , expected] of clients) {
        it(`tells ${name} to boot ${expected.bootFile || "nothing"}`, () => {
          const [offer] = offers.get(name) ?? [];
          assert.ok(offer);
          assertLeased(offer.address);
          assert.equal(offer.server, dhcpServer);
          assert.equal(offer.bootFile, expected.bootFile);
          if (expected.nextServer !== undefined) {
            assert.equal(offer.nextServer, expected.nextServer);
          }
          if (expected.vendorClass !== undefined) {
            assert.equal(offer.vendorClass, expected.vendorClass);
          }
        });
      }
    });

    describe("beside serve", () => {
      /** The release is for amd64 only. */
      const boots = (name: string) => !/arm64|does not boot/.test(name);
      let offers: Map<string, Offer[]>;
      before(async () => {
        const out = await demoRelease();
        offers = await offersFrom(server, `${server} beside`, {
          count: (name) => (boots(name) ? 2 : 1),
          serve: `: > log
            ${process.execPath} ${checkout}/bin/kairos-netboot.js serve ${out} --listen br0 \\
              --state-dir state --ipxe-dir ipxe > /dev/null 2> log & serve=$!
            until_says log Serving $serve || { cat log >&2; exit 1; }`,
        });
      });

      for (const [name, , expected] of clients) {
        const what = boots(name)
          ? "an address, and lets serve say what to boot"
          : "an address only";
        it(`gives ${name} ${what}`, () => {
          const all = offers.get(name) ?? [];
          const lease = all.find((offer) => offer.server === dhcpServer);
          assert.ok(lease);
          assertLeased(lease.address);
          assert.equal(lease.bootFile, "");
          assert.equal(lease.vendorClass, "");
          const boot = all.find((offer) => offer.server === bootServer);
          assert.equal(boot !== undefined, boots(name));
          assert.equal(boot?.bootFile, boots(name) ? expected.bootFile : undefined);
          assert.equal(boot?.address ?? "0.0.0.0", "0.0.0.0");
        });
      }
    });
  });
}
