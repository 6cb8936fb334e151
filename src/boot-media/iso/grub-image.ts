import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { requireProgram, runProgram } from "../../support/index.js";
import { findGrubModules } from "./iso-boot-programs.js";
import { memoryDisk } from "./memory-disk.js";

/**
 * Includes drivers for the screen, without which the kernel would start without output. The drivers
 * for the network are the firmware's.
 */
const modules = [
  ...["normal", "memdisk", "tar", "minicmd", "echo", "sleep", "test", "true", "boot"],
  ...["efi_gop", "efi_uga", "efinet", "net", "http", "linux", "reboot", "configfile"],
  ...["chain", "search", "search_fs_file", "iso9660"],
];

/**
 * Makes an EFI program of GRUB that contains its configuration, so that it works regardless of what it
 * was started from.
 * @param scratch a directory for intermediate files
 * @throws NetbootError PROGRAM_MISSING, PROGRAM_FAILED
 */
export async function makeGrubImage(
  config: string,
  { path, scratch, signal }: { path: string; scratch: string; signal?: AbortSignal | undefined },
): Promise<void> {
  const program = await requireProgram("grub-mkimage", "grub-common");
  const directory = await findGrubModules();
  const [disk, start] = [join(scratch, "grub-disk.tar"), join(scratch, "grub-start.cfg")];
  await writeFile(disk, await memoryDisk("grub.cfg", config));
  // GRUB reads a directly embedded configuration with a simpler parser, which does not know loops.
  await writeFile(start, "normal (memdisk)/grub.cfg\n");
  const options = ["--format=x86_64-efi", `--directory=${directory}`, "--prefix=(memdisk)/"];
  const files = [`--memdisk=${disk}`, `--config=${start}`, `--output=${path}`];
  await runProgram(program, [...options, ...files, ...modules], { signal });
}
