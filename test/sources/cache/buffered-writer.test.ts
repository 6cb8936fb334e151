import assert from "node:assert/strict";
import { type FileHandle, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { BufferedWriter } from "../../../src/sources/cache/buffered-writer.js";
import { noise } from "../../extract/support/images.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";

const bytes = Buffer.from(noise("noise", 3_000_000).content as Buffer);

describe("a buffered writer", () => {
  it("writes the same bytes for chunks of any size", async () => {
    const { path, file } = await newFile();
    const positions: number[] = [];
    const writer = new BufferedWriter(file, 0, (position) => positions.push(position));
    for (let at = 0, length = 1; at < bytes.length; at += length, length = (length * 7) % 90_001) {
      await writer.write(bytes.subarray(at, at + length));
    }
    await writer.flush();
    await file.close();
    assert.ok(bytes.equals(await readFile(path)));
    assert.equal(positions.at(-1), bytes.length);
  });

  it("writes a partly filled buffer after a short delay", async () => {
    const { path, file } = await newFile();
    const written = new Promise<number>((resolve) => {
      void new BufferedWriter(file, 0, resolve).write(bytes.subarray(0, 1000));
    });
    assert.equal(await written, 1000);
    assert.ok(bytes.subarray(0, 1000).equals(await readFile(path)));
    await file.close();
  });

  it("writes each byte at its position after the disk was full for a while", async () => {
    const { path, file } = await newFile();
    const positions: number[] = [];
    const writer = new BufferedWriter(fullOnce(file), 0, (position) => positions.push(position));
    await assert.rejects(writer.write(bytes.subarray(0, 1024 * 1024)), { code: "ENOSPC" });
    assert.deepEqual(positions, []);
    await writer.flush();
    await file.close();
    assert.ok(bytes.subarray(0, 1024 * 1024).equals(await readFile(path)));
    assert.deepEqual(positions, [1024 * 1024]);
  });
});

async function newFile(): Promise<{ path: string; file: FileHandle }> {
  const path = join(await temporaryDirectory(), "file");
  return { path, file: await open(path, "w") };
}

/** Accepts some bytes, then none, then all, like a file system that was full for a while. */
function fullOnce(file: FileHandle): FileHandle {
  let turn = 0;
  const write = (from: Buffer, offset: number, length: number, position: number) => {
    turn += 1;
    if (turn === 2) return Promise.reject(Object.assign(new Error("full"), { code: "ENOSPC" }));
    return file.write(from, offset, turn === 1 ? 300_000 : length, position);
  };
  return { write } as unknown as FileHandle;
}
