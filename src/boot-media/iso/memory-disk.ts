/**
 * A tar archive of one file, as GRUB reads its memory disk (POSIX ustar; nothing of when or by whom).
 * @param name at most 100 bytes
 */
export function memoryDisk(name: string, content: string): Buffer {
  const bytes = Buffer.from(content);
  const header = Buffer.alloc(512);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  header.write(name, 0, 100);
  header.write(octal(0o644, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(bytes.length, 11), 124);
  header.write(octal(0, 11), 136);
  // The sum is made as if its own field were blank.
  header.write("        ", 148);
  header.write("0", 156);
  header.write("ustar\u000000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)}\0 `, 148);
  const padding = Buffer.alloc(-bytes.length & 511);
  return Buffer.concat([header, bytes, padding, Buffer.alloc(1024)]);
}
