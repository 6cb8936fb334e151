import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { requireProgram, runProgram } from "../../support/index.js";
import { makeEspImage } from "./esp-image.js";
import { makeGrubImage } from "./grub-image.js";
import { type IsoBootPrograms, runsAutoexec } from "./iso-boot-programs.js";

export interface WriteIsoOptions {
  /** The file to make. */
  readonly path: string;
  /** A directory for intermediate files. */
  readonly scratch: string;
  /** The script for iPXE, which runs it under BIOS, and also under UEFI if that iPXE can. */
  readonly script: string;
  /**
   * Returns the configuration of GRUB, which boots under UEFI if iPXE cannot run the script.
   * @param ipxe path of iPXE in the ISO
   */
  readonly grubConfig: (ipxe: string) => string;
  /** Whether GRUB starts iPXE. */
  readonly grubStartsIpxe: boolean;
  readonly programs: IsoBootPrograms;
  /** The time of all files; seconds since 1970. */
  readonly time: number;
  readonly signal?: AbortSignal | undefined;
}

const isolinuxConfig = `DEFAULT ipxe
PROMPT 0
TIMEOUT 0
LABEL ipxe
  KERNEL ipxe.lkrn
  INITRD script.ipxe
`;

/** A path in the ISO's own file system, which GRUB finds regardless of what it was started from. */
const ipxeForGrub = "/ipxe/ipxe.efi";

const mkisofsArgs = [
  ...["-quiet", "-V", "KAIROS_NETBOOT", "-J", "-r"],
  ...["-c", "isolinux/boot.cat", "-b", "isolinux/isolinux.bin"],
  ...["-no-emul-boot", "-boot-load-size", "4", "-boot-info-table"],
  ...["-eltorito-alt-boot", "-e", "boot/esp.img", "-no-emul-boot", "-isohybrid-gpt-basdat"],
];

/**
 * Makes an ISO that boots under BIOS and x64 UEFI, from a CD (El Torito) and from a USB stick (MBR and
 * GPT, as isohybrid makes them). Under BIOS, isolinux starts iPXE with the script. Under UEFI, iPXE
 * starts by itself, or GRUB if that iPXE cannot run a script. The same input always gives the same
 * bytes.
 * @throws NetbootError PROGRAM_MISSING, PROGRAM_FAILED, USAGE_INVALID
 */
export async function writeIso(options: WriteIsoOptions): Promise<void> {
  const { path, scratch, programs, time, signal } = options;
  const xorriso = await requireProgram("xorriso", "xorriso");
  const tree = await writeTree(options);
  const args = [
    ...mkisofsArgs,
    ...["--set_all_file_dates", `=${time}`],
    ...["-isohybrid-mbr", programs.hybridBootSector],
    ...["-o", path, tree],
  ];
  const env = { SOURCE_DATE_EPOCH: String(time), HOME: scratch };
  await runProgram(xorriso, ["-no_rc", "-as", "mkisofs", ...args], { env, signal });
}

/** @returns the directory with the files of the ISO */
async function writeTree(options: WriteIsoOptions): Promise<string> {
  const { scratch, script, programs, time, signal } = options;
  const tree = join(scratch, "iso");
  const put = async (name: string, file: string) => {
    await mkdir(dirname(join(tree, name)), { recursive: true });
    await copyFile(file, join(tree, name));
  };
  await put("isolinux/isolinux.bin", programs.isolinux);
  await put("isolinux/ldlinux.c32", programs.isolinuxLibrary);
  await put("isolinux/ipxe.lkrn", programs.ipxeForBios);
  await writeFile(join(tree, "isolinux/isolinux.cfg"), isolinuxConfig);
  await writeFile(join(tree, "isolinux/script.ipxe"), script);
  if (options.grubStartsIpxe) await put(ipxeForGrub, programs.ipxeForUefi);
  const files = await writeUefiFiles(options);
  await mkdir(join(tree, "boot"));
  await makeEspImage({ files, image: join(tree, "boot/esp.img"), time, signal });
  return tree;
}

/** @returns the files of the EFI system partition: their names there, and their paths here */
async function writeUefiFiles(options: WriteIsoOptions): Promise<Map<string, string>> {
  const { scratch, script, grubConfig, programs, signal } = options;
  const bootFile = "EFI/BOOT/BOOTX64.EFI";
  if (await runsAutoexec(programs.ipxeForUefi)) {
    const path = join(scratch, "autoexec.ipxe");
    await writeFile(path, script);
    return new Map([
      [bootFile, programs.ipxeForUefi],
      ["autoexec.ipxe", path],
    ]);
  }
  const path = join(scratch, "grub.efi");
  await makeGrubImage(grubConfig(ipxeForGrub), { path, scratch, signal });
  return new Map([[bootFile, path]]);
}
