import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { kernelArchitecture } from "../../src/kernel/index.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";

/** A file of 4 KiB with these bytes at these offsets. */
function fileWith(parts: Readonly<Record<number, string>>): Buffer {
  const bytes = Buffer.alloc(4096);
  for (const [at, text] of Object.entries(parts)) bytes.write(text, Number(at), "latin1");
  return bytes;
}

const cases: [name: string, bytes: Buffer, architecture: string | undefined][] = [
  ["a bzImage", fileWith({ 510: "\x55\xaa", 514: "HdrS" }), "amd64"],
  ["a bzImage without a 64-bit entry point", fileWith({ 514: "HdrS\x0c\x02" }), "386"],
  ["an arm64 Image", fileWith({ 56: "ARM\x64" }), "arm64"],
  ["an EFI program for x64", fileWith({ 0: "MZ", 60: "\x80", 128: "PE\0\0\x64\x86" }), "amd64"],
  ["an EFI program for arm64", fileWith({ 0: "MZ", 60: "\x80", 128: "PE\0\0\x64\xaa" }), "arm64"],
  [
    "an arm64 Image with an EFI stub",
    fileWith({ 0: "MZ", 56: "ARM\x64", 60: "\x40", 64: "PE\0\0\x64\xaa" }),
    "arm64",
  ],
  [
    "an EFI program for something else",
    fileWith({ 0: "MZ", 60: "\x80", 128: "PE\0\0\x11\x11" }),
    undefined,
  ],
  [
    "a program whose PE header is beyond the end of the file",
    fileWith({ 0: "MZ", 60: "\xff\xff\xff\xff" }),
    undefined,
  ],
  ["a compressed kernel", Buffer.from([0x1f, 0x8b, 8, 0]), undefined],
  ["an empty file", Buffer.alloc(0), undefined],
];

describe("kernelArchitecture", () => {
  for (const [name, bytes, architecture] of cases) {
    it(`returns ${architecture} for ${name}`, async () => {
      const path = join(await temporaryDirectory(), "kernel");
      await writeFile(path, bytes);
      assert.equal(await kernelArchitecture(path), architecture);
    });
  }
});
