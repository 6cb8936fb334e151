import { copyFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { bootedFromDisk } from "./disk.js";
import type { Lan } from "./lan.js";
import { boot, type Report } from "./machine.js";
import { checkoutDirectory } from "./program.js";
import { cacheDirectory } from "./small-image.js";

const ovmfDirectory = "/usr/share/OVMF";
/** Enough where other machines boot beside it. */
const deadlineMs = 8 * 60_000;

/** Firmware with a network card, as QEMU has it. */
export interface Firmware {
  /** `romfile=` takes away QEMU's own network boot ROM, which is iPXE. */
  readonly card: string;
  readonly isUefi: boolean;
  /** Options of QEMU. */
  readonly options: readonly string[];
}

/** PXE, and HTTP Boot where that fails; each with IPv6 after IPv4. */
export const uefiPxe: Firmware = {
  card: "virtio-net-pci,romfile=,bootindex=0",
  isUefi: true,
  options: [],
};
export const uefiHttp: Firmware = {
  card: "virtio-net-pci,romfile=,bootindex=0",
  isUefi: true,
  // It would be the first to be answered.
  options: [...setting("IPv4PXESupport"), ...setting("IPv6PXESupport")],
};
/** OVMF has no driver of its own for this card: the one in iPXE's ROM does it all. */
export const uefiIpxe: Firmware = { card: "e1000,bootindex=0", isUefi: true, options: [] };
export const biosIpxe: Firmware = {
  card: "virtio-net-pci,bootindex=0",
  isUefi: false,
  options: [],
};

/**
 * Debian has no PXE ROM for BIOS but iPXE. This is an iPXE that does not say so: it fetches and
 * starts what it is offered, as the ROM of a network card does.
 */
export const biosPxe: Firmware = {
  card: "virtio-net-pci,romfile=",
  isUefi: false,
  options: [
    ...["-kernel", "/usr/lib/ipxe/ipxe.lkrn"],
    ...["-initrd", join(checkoutDirectory, "test/e2e/plain-pxe.ipxe")],
  ],
};

export interface MachineOptions {
  readonly firmware: Firmware;
  readonly mac: string;
  readonly lan: Lan;
  /** The network that it is in; the first if left out. */
  readonly network?: Lan["networks"][number];
  /** A directory for the machine's own files. */
  readonly scratch: string;
  /** What the firmware starts if it does not start the network. */
  readonly disk?: string;
  /** Ends the machine early. */
  until?(output: string): boolean;
}

/** Starts a machine that boots from the network first, and waits for its end. */
export async function bootMachine(options: MachineOptions): Promise<Report> {
  const { firmware, mac, lan, network = lan.networks[0], scratch, disk, until } = options;
  const drive = "if=none,id=disk,format=raw,readonly=on";
  return boot({
    qemu: [
      ...(firmware.isUefi ? await ovmf(scratch) : []),
      ...firmware.options,
      ...["-netdev", `tap,id=net,ifname=${network.tap},script=no,downscript=no`],
      ...["-device", `${firmware.card},netdev=net,mac=${mac}`],
      ...(disk === undefined
        ? []
        : ["-drive", `${drive},file=${disk}`, "-device", "virtio-blk-pci,drive=disk,bootindex=1"]),
    ],
    within: lan.asMachine,
    consoleLog: join(cacheDirectory, `console-${basename(process.argv[1]!, ".test.js")}.log`),
    deadlineMs,
    ...(until === undefined ? {} : { until }),
  });
}

/** Starts a machine with a disk, and waits until it has booted from that. */
export async function bootFromDisk(
  options: MachineOptions & { readonly disk: string },
): Promise<Report> {
  return bootMachine({ ...options, until: (output) => output.includes(bootedFromDisk) });
}

async function ovmf(scratch: string): Promise<string[]> {
  const variables = join(scratch, "vars.fd");
  await copyFile(join(ovmfDirectory, "OVMF_VARS.fd"), variables);
  const flash = "if=pflash,format=raw";
  return [
    ...["-drive", `${flash},readonly=on,file=${join(ovmfDirectory, "OVMF_CODE.fd")}`],
    ...["-drive", `${flash},file=${variables}`],
  ];
}

/** Turns a way of booting off in OVMF. */
function setting(name: string): string[] {
  return ["-fw_cfg", `name=opt/org.tianocore/${name},string=n`];
}
