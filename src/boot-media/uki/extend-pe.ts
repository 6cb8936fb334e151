import { type PeProgram, sectionHeaderBytes } from "../../kernel/index.js";
import { NetbootError } from "../../support/index.js";

export interface NewSection {
  /** At most eight characters. */
  readonly name: string;
  /** Bytes of the contents. */
  readonly size: number;
  /** Bytes that the section takes in memory, if that is more. */
  readonly memorySize?: number;
  readonly isCode?: boolean;
}

export interface ExtendedPe {
  /** The program with its new headers, up to the contents of the first new section. */
  readonly head: Buffer;
  /** Bytes of zero after the contents of each new section, in their order. */
  readonly paddings: readonly number[];
}

/** Memory protection works on whole pages, so a new section does not share one. */
const pageBytes = 4096;
/** All addresses have 32 bits. */
const maxMemoryBytes = 2 ** 32 - pageBytes;
const codeFlags = 0x60000020; // CNT_CODE, MEM_EXECUTE, MEM_READ
const contentFlags = 0x40000040; // CNT_INITIALIZED_DATA, MEM_READ

/**
 * Appends sections to an EFI program, as objcopy does. Drops the program's symbols, and its
 * signature, which would no longer be valid.
 * @throws NetbootError STUB_INVALID if there is no room for more headers; KERNEL_UNFIT if the result
 *   would not fit into 4 GiB
 */
export function extendPe(
  program: Buffer,
  headers: PeProgram,
  added: readonly NewSection[],
): ExtendedPe {
  const { coff, optional, sectionTable, sections, fileAlignment } = headers;
  const contentsEnd = Math.max(...sections.map(({ rawOffset, rawSize }) => rawOffset + rawSize));
  const tableEnd = sectionTable + (sections.length + added.length) * sectionHeaderBytes;
  const used = sections.filter(({ rawSize }) => rawSize > 0).map(({ rawOffset }) => rawOffset);
  if (tableEnd > Math.min(headers.headersSize, ...used)) throw noRoom();
  const head = Buffer.alloc(aligned(contentsEnd, fileAlignment));
  program.copy(head, 0, 0, Math.min(contentsEnd, program.length));
  const alignment = Math.max(pageBytes, headers.sectionAlignment);
  let address = Math.max(
    ...sections.map(({ virtualAddress, virtualSize }) => virtualAddress + virtualSize),
  );
  let offset = head.length;
  const paddings: number[] = [];
  for (const [index, { name, size, memorySize = 0, isCode = false }] of added.entries()) {
    const at = sectionTable + (sections.length + index) * sectionHeaderBytes;
    const [virtualSize, rawSize] = [Math.max(size, memorySize), aligned(size, fileAlignment)];
    address = aligned(address, alignment);
    head.fill(0, at, at + sectionHeaderBytes);
    head.write(name, at, 8, "latin1");
    for (const [field, value] of [virtualSize, address, rawSize, offset].entries()) {
      head.writeUInt32LE(value, at + 8 + field * 4);
    }
    head.writeUInt32LE(isCode ? codeFlags : contentFlags, at + 36);
    address += virtualSize;
    offset += rawSize;
    if (Math.max(address, offset) > maxMemoryBytes) throw tooLarge();
    paddings.push(rawSize - size);
    // SizeOfCode and SizeOfInitializedData.
    const total = optional + (isCode ? 4 : 8);
    head.writeUInt32LE(head.readUInt32LE(total) + rawSize, total);
  }
  head.writeUInt16LE(sections.length + added.length, coff + 2);
  // PointerToSymbolTable and NumberOfSymbols.
  head.writeUInt32LE(0, coff + 8);
  head.writeUInt32LE(0, coff + 12);
  // SizeOfImage.
  head.writeUInt32LE(aligned(address, headers.sectionAlignment), optional + 56);
  // CheckSum, which EFI ignores.
  head.writeUInt32LE(0, optional + 64);
  // The fifth data directory points to the signature.
  if (head.readUInt32LE(optional + 108) > 4) head.fill(0, optional + 144, optional + 152);
  return { head, paddings };
}

function aligned(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

function noRoom(): NetbootError {
  return new NetbootError(
    "STUB_INVALID",
    "The EFI stub has no room for more section headers.",
    "Install another version of the package systemd-boot-efi.",
  );
}

function tooLarge(): NetbootError {
  return new NetbootError(
    "KERNEL_UNFIT",
    "The image's kernel and initrd would take more than 4 GiB of memory, which a unified kernel image cannot.",
    "Omit --uki, or choose another kernel of the image with --kernel.",
  );
}
