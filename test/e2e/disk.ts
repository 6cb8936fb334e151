import { execFile } from "node:child_process";
import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Text that a machine writes to its serial port when it boots from the disk. */
export const bootedFromDisk = "KAIROS-NETBOOT-E2E DISK";

const diskKib = 1440;
/** Offset of the code in a FAT boot sector, after the description of the file system. */
const bootCodeAt = 0x3e;
const serialPort = 0x3f8;
const lineStatus = 0x3fd;

/**
 * Makes a disk that BIOS and UEFI boot from, in place of an installed system: a FAT file
 * system without a partition table, with boot code in its boot sector and an EFI program.
 * @returns the disk's path, in the directory
 */
export async function makeDisk(directory: string): Promise<string> {
  const path = join(directory, "disk.img");
  const program = join(directory, "BOOTX64.EFI");
  await writeFile(program, efiProgram(printing("uefi")));
  const image = ["-i", path];
  await run("mformat", [...image, "-C", "-f", `${diskKib}`, "::"]);
  await run("mmd", [...image, "::/EFI", "::/EFI/BOOT"]);
  await run("mcopy", [...image, program, "::/EFI/BOOT/"]);
  const file = await open(path, "r+");
  // A jump over the file system's description to the code; see "FAT32 File System Specification".
  await file.write(Buffer.from([0xeb, bootCodeAt - 2, 0x90]), 0, 3, 0);
  const code = printing("bios");
  await file.write(code, 0, code.length, bootCodeAt);
  await file.write(Buffer.from([0x55, 0xaa]), 0, 2, 510);
  await file.close();
  return path;
}

/**
 * x86 code that does not use the firmware: it writes to the first serial port and halts.
 * Each character waits until the port has sent the one before (16550, line status register),
 * because the first characters would be lost if QEMU's output were slow.
 */
function printing(mode: "bios" | "uefi"): Buffer {
  // mov dx, PORT; in long mode, 16-bit operands need a prefix.
  const select = (port: number) => [
    ...(mode === "uefi" ? [0x66, 0xba] : [0xba]),
    port & 0xff,
    port >> 8,
  ];
  // in al, dx; test al, 0x20; jz to in
  const wait = [...select(lineStatus), 0xec, 0xa8, 0x20, 0x74, 0xfb];
  // mov al, CHARACTER; out dx, al
  const write = (character: number) => [...select(serialPort), 0xb0, character, 0xee];
  const text = [...Buffer.from(`\r\n${bootedFromDisk}\r\n`)];
  // cli; hlt; jmp to hlt
  return Buffer.from([...text.flatMap((it) => [...wait, ...write(it)]), 0xfa, 0xf4, 0xeb, 0xfd]);
}

/** The smallest UEFI program (UEFI 2.10, section 2.1.1; Microsoft's "PE Format"). */
function efiProgram(code: Buffer): Buffer {
  const [pe, optional, sections] = [0x40, 0x58, 0x148];
  const [headersSize, page] = [0x200, 0x1000];
  const file = Buffer.alloc(headersSize * 2);
  file.write("MZ", 0, "latin1");
  file.writeUInt32LE(pe, 0x3c);
  file.write("PE", pe, "latin1");
  file.writeUInt16LE(0x8664, pe + 4); // for x64
  file.writeUInt16LE(1, pe + 6); // sections
  file.writeUInt16LE(sections - optional, pe + 20);
  file.writeUInt16LE(0x0022, pe + 22); // executable, and anywhere in memory
  file.writeUInt16LE(0x20b, optional); // 64-bit addresses
  file.writeUInt32LE(headersSize, optional + 4); // size of the code
  file.writeUInt32LE(page, optional + 16); // entry point
  file.writeUInt32LE(page, optional + 20); // start of the code
  file.writeUInt32LE(page, optional + 32); // alignment in memory
  file.writeUInt32LE(headersSize, optional + 36); // alignment in the file
  file.writeUInt32LE(2 * page, optional + 56); // size in memory
  file.writeUInt32LE(headersSize, optional + 60);
  file.writeUInt16LE(10, optional + 68); // an EFI application
  file.writeUInt32LE(16, optional + 108); // directories, all empty
  file.write(".text", sections, "latin1");
  file.writeUInt32LE(code.length, sections + 8);
  file.writeUInt32LE(page, sections + 12);
  file.writeUInt32LE(headersSize, sections + 16);
  file.writeUInt32LE(headersSize, sections + 20);
  file.writeUInt32LE(0x60000020, sections + 36); // code, to be read and run
  code.copy(file, headersSize);
  return file;
}
