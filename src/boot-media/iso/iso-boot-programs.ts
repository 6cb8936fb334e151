import { readFile, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { firstExisting, NetbootError, requireFile, requireProgram } from "../../support/index.js";

interface BootFileSource {
  /** For messages. */
  readonly description: string;
  readonly debianPackage: string;
  /** Paths of the file. Relative ones are in the directory with iPXE; the first existing one counts. */
  readonly paths: readonly string[];
}

/**
 * The files that an ISO consists of, and where Debian's and Ubuntu's packages install them. Adding a
 * boot program means adding a row.
 */
const bootFiles = {
  /** iPXE in the format of a Linux kernel, which isolinux can start. */
  ipxeForBios: {
    description: "iPXE for BIOS (ipxe.lkrn)",
    debianPackage: "ipxe",
    paths: ["ipxe.lkrn", "x86_64-pcbios/ipxe.lkrn", "i386-pcbios/ipxe.lkrn", "bin/ipxe.lkrn"],
  },
  ipxeForUefi: {
    description: "iPXE for UEFI (ipxe.efi)",
    debianPackage: "ipxe",
    paths: ["ipxe.efi", "x86_64-efi/ipxe.efi", "bin-x86_64-efi/ipxe.efi"],
  },
  isolinux: {
    description: "isolinux",
    debianPackage: "isolinux",
    paths: ["/usr/lib/ISOLINUX/isolinux.bin"],
  },
  /** Isolinux loads it. */
  isolinuxLibrary: {
    description: "library of isolinux",
    debianPackage: "syslinux-common",
    paths: ["/usr/lib/syslinux/modules/bios/ldlinux.c32"],
  },
  /** The boot sector that starts isolinux from a USB stick. */
  hybridBootSector: {
    description: "boot sector for USB sticks",
    debianPackage: "isolinux",
    paths: ["/usr/lib/ISOLINUX/isohdpfx.bin"],
  },
} satisfies Record<string, BootFileSource>;

/** The modules of GRUB for UEFI, found by one of them. */
const grubModules: BootFileSource = {
  description: "GRUB for UEFI",
  debianPackage: "grub-efi-amd64-bin",
  paths: ["/usr/lib/grub/x86_64-efi/http.mod"],
};

/** The programs that make an ISO. */
const isoTools: readonly { program: string; debianPackage: string; isForGrub?: boolean }[] = [
  { program: "xorriso", debianPackage: "xorriso" },
  { program: "mformat", debianPackage: "mtools" },
  { program: "grub-mkimage", debianPackage: "grub-common", isForGrub: true },
];

const debianIpxeDirectory = "/usr/lib/ipxe";

/** Paths of the files that an ISO consists of. */
export type IsoBootPrograms = Readonly<Record<keyof typeof bootFiles, string>>;

/**
 * Finds the files that an ISO consists of.
 * @param ipxeDir has precedence over the directory of Debian's package; with the layout of Debian,
 *   ipxe.org or iPXE's own build
 * @throws NetbootError PROGRAM_MISSING; USAGE_INVALID if there is no such directory
 */
export async function findIsoBootPrograms(ipxeDir: string | undefined): Promise<IsoBootPrograms> {
  if (ipxeDir !== undefined) await requireDirectory(ipxeDir);
  const directories = [...(ipxeDir === undefined ? [] : [ipxeDir]), debianIpxeDirectory];
  const find = ({ description, debianPackage, paths }: BootFileSource) => {
    const candidates = directories.flatMap((directory) =>
      paths.map((path) => (path.startsWith("/") ? path : join(directory, path))),
    );
    return requireFile([...new Set(candidates)], description, debianPackage);
  };
  return {
    ipxeForBios: await find(bootFiles.ipxeForBios),
    ipxeForUefi: await find(bootFiles.ipxeForUefi),
    isolinux: await find(bootFiles.isolinux),
    isolinuxLibrary: await find(bootFiles.isolinuxLibrary),
    hybridBootSector: await find(bootFiles.hybridBootSector),
  };
}

/** Whether an iPXE runs a script `autoexec.ipxe` next to it, as versions from 2021 on do. */
export async function runsAutoexec(ipxeForUefi: string): Promise<boolean> {
  const bytes = await readFile(ipxeForUefi);
  return (["latin1", "utf16le"] as const).some((encoding) =>
    bytes.includes(Buffer.from("autoexec.ipxe", encoding)),
  );
}

/**
 * Whether both iPXEs are from a directory whose iPXE for UEFI supports HTTPS and runs autoexec.ipxe.
 * The one for BIOS is compressed, so nothing shows what it supports.
 */
export async function supportsHttps(
  { ipxeForBios, ipxeForUefi }: IsoBootPrograms,
  directory: string,
): Promise<boolean> {
  const areInside = [ipxeForBios, ipxeForUefi].every(
    (path) => !relative(directory, path).startsWith(".."),
  );
  if (!areInside || !(await runsAutoexec(ipxeForUefi))) return false;
  return (await readFile(ipxeForUefi)).includes("\0https\0");
}

/**
 * Checks that the programs that make an ISO are installed.
 * @throws NetbootError PROGRAM_MISSING
 */
export async function requireIsoTools({ withGrub }: { withGrub: boolean }): Promise<void> {
  for (const { program, debianPackage, isForGrub = false } of isoTools) {
    if (!isForGrub || withGrub) await requireProgram(program, debianPackage);
  }
  if (withGrub) await findGrubModules();
}

/** The directory with the modules of GRUB for UEFI. */
export async function findGrubModules(): Promise<string> {
  const { paths, description, debianPackage } = grubModules;
  return dirname(await requireFile(paths, description, debianPackage));
}

async function requireDirectory(path: string): Promise<void> {
  const isDirectory = await stat(path).then(
    (it) => it.isDirectory(),
    () => false,
  );
  if (isDirectory && (await firstExisting([path])) !== undefined) return;
  throw new NetbootError(
    "USAGE_INVALID",
    `There is no directory ${path} with boot programs.`,
    "Name a directory with ipxe.lkrn and ipxe.efi with --ipxe-dir.",
  );
}
