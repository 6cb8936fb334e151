import type { InitrdFeatures } from "./initrd-features.js";
import { type RootDriver, rootDrivers } from "./root-drivers.js";

interface Need {
  readonly what: string;
  readonly isMet: (features: InitrdFeatures) => boolean;
}

/** Each of dracut's modules that configures network interfaces, and the one that depends on any of them. */
const networkModules = [
  "network",
  "network-manager",
  "systemd-networkd",
  "network-legacy",
  "network-wicked",
  "connman",
];

const needs: Readonly<Record<NonNullable<InitrdFeatures["maker"]>, readonly Need[]>> = {
  dracut: [
    ...["livenet", "dmsquash-live"].map((name) => ({
      what: `the dracut module ${name}`,
      isMet: ({ dracutModules }: InitrdFeatures) => dracutModules?.has(name) ?? false,
    })),
    {
      what: "a network module such as network-manager or systemd-networkd",
      isMet: ({ dracutModules }) => networkModules.some((name) => dracutModules?.has(name)),
    },
    {
      what: "curl or wget",
      isMet: ({ dracutModules, programs }) =>
        programs.has("curl") ||
        programs.has("wget") ||
        // This module packs the programs into a squashfs of their own.
        (dracutModules?.has("squash") ?? false),
    },
  ],
  // Kairos's own init for Alpine fetches the root file system with busybox's wget.
  mkinitfs: [
    {
      what: "an init that understands root=live:",
      isMet: ({ alpineInit }) => alpineInit?.includes("root=live:") ?? false,
    },
    { what: "busybox, with its wget", isMet: ({ programs }) => programs.has("busybox") },
    {
      what: "the DHCP client's script /usr/share/udhcpc/default.script",
      isMet: ({ hasDhcpScript }) => hasDhcpScript,
    },
  ],
};

/**
 * What an initrd lacks for netbooting a root file system, as `root=live:URL` asks for.
 * @param builtIn drivers that are known to be built into the kernel
 * @returns nothing if the program that made the initrd is unknown
 */
export function missingForNetboot(
  features: InitrdFeatures,
  builtIn: readonly RootDriver[],
): readonly string[] {
  if (features.maker === undefined) return [];
  const unmet = needs[features.maker].filter(({ isMet }) => !isMet(features));
  const drivers = rootDrivers.filter(
    (driver) => !features.drivers.has(driver) && !builtIn.includes(driver),
  );
  return [...unmet.map(({ what }) => what), ...drivers.map(({ name }) => `the driver ${name}`)];
}

/** A clause about what an initrd lacks. */
export function describeMissing(missing: readonly string[]): string {
  return `it lacks ${new Intl.ListFormat("en").format(missing)}`;
}
