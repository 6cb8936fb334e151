export interface HeaderFields {
  readonly name: Buffer;
  readonly typeFlag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly link: Buffer;
  readonly device: readonly [major: number, minor: number];
  readonly dialect: "pax" | "gnu" | "ustar" | "v7";
}

/**
 * One 512-byte header (POSIX.1-1988 ustar; GNU tar manual, "Basic Tar Format"). Names that are
 * too long are truncated; numbers that are too large are zero in pax and base-256 in gnu.
 */
export function headerBlock(fields: HeaderFields): Buffer {
  const { dialect, device } = fields;
  const block = Buffer.alloc(512);
  const [prefix, name] = dialect === "ustar" ? split(fields.name) : [Buffer.alloc(0), fields.name];
  name.copy(block, 0, 0, 100);
  putNumber(block, 100, 8, fields.mode, dialect);
  putNumber(block, 108, 8, fields.uid, dialect);
  putNumber(block, 116, 8, fields.gid, dialect);
  putNumber(block, 124, 12, fields.size, dialect);
  putNumber(block, 136, 12, fields.mtime, dialect);
  block.write(fields.typeFlag, 156, "latin1");
  fields.link.copy(block, 157, 0, 100);
  if (dialect !== "v7") {
    block.write(dialect === "gnu" ? "ustar  \0" : "ustar\x0000", 257, "latin1");
    block.write("somebody", 265, "latin1");
    block.write("some group", 297, "latin1");
    putNumber(block, 329, 8, device[0], dialect);
    putNumber(block, 337, 8, device[1], dialect);
    prefix.copy(block, 345, 0, 155);
  }
  return withChecksum(block);
}

/** Writes the sum of all bytes into the header; the field itself counts as spaces. */
export function withChecksum(block: Buffer): Buffer {
  block.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

export function paddedTo512(content: Buffer): Buffer {
  const over = content.length % 512;
  return over === 0 ? content : Buffer.concat([content, Buffer.alloc(512 - over)]);
}

/** Writes octal digits and a NUL, or what the dialect writes for larger numbers. */
export function putNumber(
  block: Buffer,
  start: number,
  length: number,
  value: number,
  dialect: HeaderFields["dialect"],
): void {
  const octal = value.toString(8);
  if (value >= 0 && octal.length < length) {
    block.write(octal.padStart(length - 1, "0"), start, "latin1");
  } else if (dialect === "gnu") {
    putBase256(block, start, length, BigInt(value));
  } else {
    block.write("0".repeat(length - 1), start, "latin1");
  }
}

/** Big-endian two's complement; the first bit distinguishes it from octal. */
function putBase256(block: Buffer, start: number, length: number, value: bigint): void {
  let rest = BigInt.asUintN(length * 8, value);
  for (let index = length - 1; index >= 0; index -= 1) {
    block[start + index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  block[start] = block[start]! | 0x80;
}

/** Splits a name of more than 100 bytes at a slash: at most 155 bytes, then at most 100. */
function split(name: Buffer): [prefix: Buffer, name: Buffer] {
  if (name.length <= 100) return [Buffer.alloc(0), name];
  const slash = name.indexOf(0x2f, name.length - 101);
  if (slash <= 0 || slash > 155) throw new Error("the name does not fit ustar");
  return [name.subarray(0, slash), name.subarray(slash + 1)];
}
