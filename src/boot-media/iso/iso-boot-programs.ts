import { readFile, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { firstExisting, NetbootError, requireFile, requireProgram } from "../../support/index.js";

/** Where Debian's and Ubuntu's packages put them. */
const ipxePlaces = "/usr/lib/ipxe";
const isolinuxPlaces = "/usr/lib/ISOLINUX";
const syslinuxModules = "/usr/lib/syslinux/modules/bios";

/** What an ISO is put together from: paths. */
export interface BootPrograms {
  /** iPXE as a Linux kernel, which is how isolinux starts it. */
  readonly ipxeForBios: string;
  readonly ipxeForUefi: string;
  readonly isolinux: string;
  /** What isolinux itself loads. */
  readonly isolinuxLibrary: string;
  /** The boot sector that makes isolinux start from a USB stick. */
  readonly hybridBootSector: string;
}

/**
 * @param ipxeDirectory looked through before that of Debian's package; as Debian or ipxe.org have it
 * @throws NetbootError USAGE_INVALID where there is no such directory, PROGRAM_MISSING
 */
export async function findBootPrograms(ipxeDirectory: string | undefined): Promise<BootPrograms> {
  if (ipxeDirectory !== undefined) await ensureDirectory(ipxeDirectory);
  const directories = [...(ipxeDirectory === undefined ? [] : [ipxeDirectory]), ipxePlaces];
  const ipxe = (name: string, subdirectories: readonly string[]) => {
    const places = directories.flatMap((directory) =>
      ["", ...subdirectories].map((it) => join(directory, it, name)),
    );
    return requireFile(places, `iPXE to boot from (${name})`, "ipxe");
  };
  return {
    ipxeForBios: await ipxe("ipxe.lkrn", ["x86_64-pcbios", "i386-pcbios", "bin"]),
    ipxeForUefi: await ipxe("ipxe.efi", ["x86_64-efi", "bin-x86_64-efi"]),
    isolinux: await requireFile([join(isolinuxPlaces, "isolinux.bin")], "isolinux", "isolinux"),
    isolinuxLibrary: await requireFile(
      [join(syslinuxModules, "ldlinux.c32")],
      "library of isolinux",
      "syslinux-common",
    ),
    hybridBootSector: await requireFile(
      [join(isolinuxPlaces, "isohdpfx.bin")],
      "boot sector for USB sticks",
      "isolinux",
    ),
  };
}

/** True for an iPXE that runs the script `autoexec.ipxe` beside it: those from 2021 on. */
export async function readsScriptBesideIt(ipxeForUefi: string): Promise<boolean> {
  const bytes = await readFile(ipxeForUefi);
  return (["latin1", "utf16le"] as const).some((encoding) =>
    bytes.includes(Buffer.from("autoexec.ipxe", encoding)),
  );
}

/**
 * True where both iPXEs are of a directory whose iPXE for UEFI knows HTTPS and takes a script. The
 * one for BIOS is compressed, and does not show what it knows.
 */
export async function speaksHttps(programs: BootPrograms, directory: string): Promise<boolean> {
  const { ipxeForBios, ipxeForUefi } = programs;
  const areOwn = [ipxeForBios, ipxeForUefi].every(
    (path) => !relative(directory, path).startsWith(".."),
  );
  if (!areOwn || !(await readsScriptBesideIt(ipxeForUefi))) return false;
  return (await readFile(ipxeForUefi)).includes("\0https\0");
}

/**
 * Looks whether the programs that make an ISO are there.
 * @throws NetbootError PROGRAM_MISSING
 */
export async function findMakers(withGrub: boolean): Promise<void> {
  await requireProgram("xorriso", "xorriso");
  await requireProgram("mformat", "mtools");
  if (!withGrub) return;
  await requireProgram("grub-mkimage", "grub-common");
  await findGrubModules();
}

/** Modules of GRUB for UEFI. */
export async function findGrubModules(): Promise<string> {
  const directory = "/usr/lib/grub/x86_64-efi";
  await requireFile([join(directory, "http.mod")], "GRUB for UEFI", "grub-efi-amd64-bin");
  return directory;
}

async function ensureDirectory(path: string): Promise<void> {
  const isThere = await stat(path).then(
    (it) => it.isDirectory(),
    () => false,
  );
  if (isThere && (await firstExisting([path])) !== undefined) return;
  throw new NetbootError(
    "USAGE_INVALID",
    `There is no directory ${path} with boot programs.`,
    "Name one that holds ipxe.lkrn and ipxe.efi with --ipxe-dir.",
  );
}
