import { copyFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { checkout } from "../support/checkout.js";
import { bootedFromDisk } from "./disk.js";
import type { Lan } from "./lan.js";
import { cacheDirectory } from "./small-image.js";
import { boot, type Report } from "./virtual-machine.js";

const ovmfDirectory = "/usr/share/OVMF";
/** Long enough while other machines boot on the same host. */
const deadlineMs = 8 * 60_000;

/** Firmware and network card, as QEMU provides them. */
export interface Firmware {
  /** `romfile=` removes QEMU's own network boot ROM, which is iPXE. */
  readonly card: string;
  readonly isUefi: boolean;
  /** QEMU options. */
  readonly options: readonly string[];
}

/** PXE, then HTTP Boot if PXE fails; each with IPv4 and then IPv6. */
export const uefiPxe: Firmware = {
  card: "virtio-net-pci,romfile=,bootindex=0",
  isUefi: true,
  options: [],
};
export const uefiHttp: Firmware = {
  card: "virtio-net-pci,romfile=,bootindex=0",
  isUefi: true,
  // Otherwise PXE would be tried and answered first.
  options: [...setting("IPv4PXESupport"), ...setting("IPv6PXESupport")],
};
/** OVMF has no driver for this card; iPXE's ROM provides it. */
export const uefiIpxe: Firmware = { card: "e1000,bootindex=0", isUefi: true, options: [] };
export const biosIpxe: Firmware = {
  card: "virtio-net-pci,bootindex=0",
  isUefi: false,
  options: [],
};

/**
 * Debian has no PXE ROM for BIOS other than iPXE. This iPXE does not identify itself as iPXE: it fetches and
 * starts the offered file, as the ROM of a network card does.
 */
export const biosPxe: Firmware = {
  card: "virtio-net-pci,romfile=",
  isUefi: false,
  options: [
    ...["-kernel", "/usr/lib/ipxe/ipxe.lkrn"],
    ...["-initrd", join(checkout, "test/e2e/plain-pxe.ipxe")],
  ],
};

export interface MachineOptions {
  readonly firmware: Firmware;
  readonly mac: string;
  readonly lan: Lan;
  /** The machine's network; the default is the first. */
  readonly network?: Lan["networks"][number];
  /** Directory for the machine's own files. */
  readonly scratch: string;
  /** The firmware starts this if network boot fails. */
  readonly disk?: string;
  /** Ends the machine early. */
  until?(output: string): boolean;
}

/** Starts a machine that boots from the network first, and waits until it ends. */
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

/** Starts a machine with a disk, and waits until it has booted from the disk. */
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

/** Disables one of OVMF's boot methods. */
function setting(name: string): string[] {
  return ["-fw_cfg", `name=opt/org.tianocore/${name},string=n`];
}
