import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { requireProgram, runProgram } from "../../support/index.js";
import { makeEsp } from "./efi-system-partition.js";
import { makeGrub } from "./grub.js";
import { type BootPrograms, readsScriptBesideIt } from "./iso-boot-programs.js";

export interface IsoOptions {
  /** The file to make. */
  readonly path: string;
  /** A directory for files in between. */
  readonly scratch: string;
  /** For iPXE, which runs it under BIOS, and under UEFI if it can be told of one. */
  readonly script: string;
  /** For GRUB, where iPXE cannot: given the place of iPXE in the ISO. */
  readonly grub: (ipxe: string) => string;
  /** Whether GRUB is to start iPXE. */
  readonly grubStartsIpxe: boolean;
  readonly programs: BootPrograms;
  /** Seconds since 1970: what all times in it are. */
  readonly time: number;
  readonly signal?: AbortSignal | undefined;
}

const isolinuxConfiguration = `DEFAULT ipxe
PROMPT 0
TIMEOUT 0
LABEL ipxe
  KERNEL ipxe.lkrn
  INITRD script.ipxe
`;

/** In the ISO's own file system, which GRUB finds wherever it was started from. */
const ipxeForGrub = "/ipxe/ipxe.efi";

/**
 * Makes an ISO that boots under BIOS (isolinux starts iPXE with a script) and x64 UEFI (iPXE, or
 * GRUB where that iPXE takes no script), from a CD (El Torito) and a USB stick (an MBR and a GPT,
 * as isohybrid makes them). The same bytes every time.
 * @throws NetbootError PROGRAM_MISSING, PROGRAM_FAILED, USAGE_INVALID
 */
export async function makeIso(options: IsoOptions): Promise<void> {
  const { path, scratch, script, programs, time, signal } = options;
  const xorriso = await requireProgram("xorriso", "xorriso");
  const tree = join(scratch, "iso");
  const put = async (name: string, file: string) => {
    await mkdir(dirname(join(tree, name)), { recursive: true });
    await copyFile(file, join(tree, name));
  };
  await put("isolinux/isolinux.bin", programs.isolinux);
  await put("isolinux/ldlinux.c32", programs.isolinuxLibrary);
  await put("isolinux/ipxe.lkrn", programs.ipxeForBios);
  await writeFile(join(tree, "isolinux/isolinux.cfg"), isolinuxConfiguration);
  await writeFile(join(tree, "isolinux/script.ipxe"), script);
  if (options.grubStartsIpxe) await put(ipxeForGrub, programs.ipxeForUefi);
  const files = await filesForUefi(options);
  await mkdir(join(tree, "boot"));
  await makeEsp({ files, image: join(tree, "boot/esp.img"), time, signal });
  const times = ["--set_all_file_dates", `=${time}`];
  const words = [
    ...layout,
    ...times,
    "-isohybrid-mbr",
    programs.hybridBootSector,
    "-o",
    path,
    tree,
  ];
  const env = { SOURCE_DATE_EPOCH: String(time), HOME: scratch };
  await runProgram(xorriso, ["-no_rc", "-as", "mkisofs", ...words], { env, signal });
}

const layout = [
  ...["-quiet", "-V", "KAIROS_NETBOOT", "-J", "-r"],
  ...["-c", "isolinux/boot.cat", "-b", "isolinux/isolinux.bin"],
  ...["-no-emul-boot", "-boot-load-size", "4", "-boot-info-table"],
  ...["-eltorito-alt-boot", "-e", "boot/esp.img", "-no-emul-boot", "-isohybrid-gpt-basdat"],
];

async function filesForUefi(options: IsoOptions): Promise<Map<string, string>> {
  const { scratch, script, grub, programs, signal } = options;
  const bootFile = "EFI/BOOT/BOOTX64.EFI";
  if (await readsScriptBesideIt(programs.ipxeForUefi)) {
    const path = join(scratch, "autoexec.ipxe");
    await writeFile(path, script);
    return new Map([
      [bootFile, programs.ipxeForUefi],
      ["autoexec.ipxe", path],
    ]);
  }
  const path = join(scratch, "grub.efi");
  await makeGrub(grub(ipxeForGrub), { path, scratch, signal });
  return new Map([[bootFile, path]]);
}
