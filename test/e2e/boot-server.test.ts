import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { BOOT_SERVER, type Lan, startLan } from "./lan.js";
import { boot, type Report } from "./machine.js";
import { endOf, startBound } from "./process.js";
import { CHECKOUT } from "./program.js";

const run = promisify(execFile);

const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "kairos-netboot-e2e");
const IMAGE_LAYOUT = join(CACHE, "small");
const PROGRAM = join(CHECKOUT, "bin/kairos-netboot.js");
const NAME = "kairos-debian-12-standard-amd64-generic-v3.5.0-k3sv1.33.1+k3s1";
const MAC = "52:54:00:aa:bb:01";
const CLOUD_CONFIG = "#cloud-config\nhostname: from-the-boot-server\n";
const OVMF = "/usr/share/OVMF";

/** What `serve --json` prints; each line is one event. */
interface Event {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** Each firmware gets to the script in its own way, which the events tell. */
const machines: {
  name: string;
  /** Options of QEMU. `romfile=` takes away QEMU's own network boot ROM, which is iPXE. */
  device: string;
  options(scratch: string): string[];
  /** Whether it boots to the end, or only to kernel and initrd. */
  isWhole: boolean;
  /** Whether it is served three files, and not a directory. */
  isLoose?: boolean;
  steps: RegExp[];
}[] = [
  {
    name: "a UEFI machine, by PXE",
    device: "virtio-net-pci,romfile=",
    options: ovmf,
    isWhole: true,
    steps: [
      /^offered snponly\.efi$/,
      /^sent snponly\.efi by tftp$/,
      /^offered http:\/\/10\.77\.0\.2:8080\/boot\.ipxe$/,
    ],
  },
  {
    name: "a UEFI machine, by HTTP Boot",
    device: "virtio-net-pci,romfile=",
    options: (scratch) => [
      ...ovmf(scratch),
      // The firmware would try PXE for two minutes first.
      ...["-fw_cfg", "name=opt/org.tianocore/IPv4PXESupport,string=n"],
      ...["-fw_cfg", "name=opt/org.tianocore/IPv6PXESupport,string=n"],
    ],
    isWhole: false,
    steps: [
      /^offered http:\/\/10\.77\.0\.2:8080\/programs\/snponly\.efi$/,
      /^sent snponly\.efi by http$/,
    ],
  },
  {
    name: "a BIOS machine whose network card has iPXE, from three files",
    device: "virtio-net-pci",
    options: () => [],
    isWhole: false,
    isLoose: true,
    steps: [/^offered http:\/\/10\.77\.0\.2:8080\/boot\.ipxe$/],
  },
];

describe("serve, beside a DHCP server that knows nothing of booting", () => {
  let scratch: string;
  let out: string;
  let lan: Lan;

  before(async () => {
    assert.equal(process.getuid?.(), 0, "the end-to-end test must be run as root");
    await run(join(CHECKOUT, "test/e2e/build-image.sh"), ["--small", IMAGE_LAYOUT]);
    scratch = await mkdtemp(join(tmpdir(), "kairos-netboot-e2e-"));
    out = join(scratch, "out");
    await run(process.execPath, [PROGRAM, "extract", `oci:${IMAGE_LAYOUT}:latest`, "-o", out]);
    await writeFile(join(scratch, "cloud-config.yaml"), CLOUD_CONFIG);
    lan = await startLan();
  });

  after(async () => {
    await lan?.close();
    if (scratch) await rm(scratch, { recursive: true, force: true });
  });

  for (const { name, device, options, isWhole, isLoose, steps } of machines) {
    describe(name, () => {
      let server: Server;
      let report: Report | undefined;

      before(async () => {
        const file = (suffix: string) => join(out, `${NAME}${suffix}`);
        const loose = ["--kernel", file("-kernel"), "--initrd", file("-initrd")];
        const what = isLoose ? [...loose, "--squashfs", file(".squashfs")] : [out];
        const config = join(scratch, "cloud-config.yaml");
        server = await startServer(lan, [...what, "--cloud-config", config]);
        await cp(join(OVMF, "OVMF_VARS.fd"), join(scratch, "vars.fd"));
        report = await boot({
          qemu: [
            ...options(scratch),
            ...["-netdev", `tap,id=net,ifname=${lan.tap},script=no,downscript=no`],
            ...["-device", `${device},netdev=net,mac=${MAC},bootindex=0`],
          ],
          within: lan.asMachine,
          consoleLog: join(CACHE, "console-served.log"),
          deadlineMs: 6 * 60_000,
          ...(isWhole ? {} : { until: () => server.steps.includes(`sent ${NAME}-initrd by http`) }),
        });
      });
      after(() => server?.stop());

      test("is led from the firmware to iPXE, kernel and initrd", () => {
        const rest = [
          "sent boot.ipxe by http",
          `script ${NAME}`,
          "sent machine.ipxe by http",
          `sent ${NAME}-kernel by http`,
          `sent ${NAME}-initrd by http`,
        ];
        let at = 0;
        for (const step of [...steps, ...rest]) {
          const found = server.steps
            .slice(at)
            .findIndex((it) => (typeof step === "string" ? it === step : step.test(it)));
          assert.notEqual(found, -1, `${step} is missing in\n${server.steps.join("\n")}`);
          at += found + 1;
        }
      });

      test("is told of by its own hardware address", () => {
        const named = server.events.filter(({ type }) => type === "sent" || type === "offered");
        assert.ok(named.length > 3);
        for (const { mac } of named) assert.equal(mac, MAC);
      });

      if (!isWhole) return;
      test("runs the release, with its cloud-config, and powers off", () => {
        assert.ok(report!.poweredOff);
        const { facts } = report!;
        assert.match(facts.get("cmdline")!, new RegExp(` root=live:http://${BOOT_SERVER}:8080/`));
        assert.equal(facts.get("root"), "LiveOS_rootfs overlay");
        assert.equal(facts.get("capability"), "/usr/bin/ping cap_net_raw=ep");
        assert.equal(facts.get("config_url"), CLOUD_CONFIG.replaceAll("\n", "|"));
      });
    });
  }
});

function ovmf(scratch: string): string[] {
  const flash = "if=pflash,format=raw";
  return [
    ...["-drive", `${flash},readonly=on,file=${join(OVMF, "OVMF_CODE.fd")}`],
    ...["-drive", `${flash},file=${join(scratch, "vars.fd")}`],
  ];
}

interface Server {
  readonly events: readonly Event[];
  /** The events in few words. */
  readonly steps: readonly string[];
  stop(): Promise<void>;
}

async function startServer(lan: Lan, options: readonly string[]): Promise<Server> {
  const words = [process.execPath, PROGRAM, "serve", "--json", ...options];
  const [program, ...rest] = [...lan.asBootServer, ...words];
  const child: ChildProcess = startBound(program!, rest, ["ignore", "pipe", "inherit"]);
  const events: Event[] = [];
  let output = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    const lines = `${output}${text}`.split("\n");
    output = lines.pop()!;
    for (const line of lines) events.push(JSON.parse(line) as Event);
  });
  while (!events.some(({ type }) => type === "listening")) {
    assert.equal(child.exitCode, null, "the server ended");
    await sleep(50);
  }
  return {
    events,
    get steps() {
      return events.map(stepOf);
    },
    stop: async () => {
      child.kill("SIGTERM");
      await endOf(child);
    },
  };
}

function stepOf(event: Event): string {
  const { type, bootFile, release, name, protocol } = event;
  if (type === "sent") return `sent ${name} by ${protocol}`;
  return [type, bootFile ?? release].filter(Boolean).join(" ");
}
