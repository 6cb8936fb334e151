import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FormatError, TarReader } from "../../src/tar/index.js";
import { blocksOf } from "../support/tar-builder.js";

describe("extended attributes in a tar", () => {
  // Linux's XATTR_SIZE_MAX.
  const largest = Buffer.alloc(64 * 1024, 1);
  const entry = blocksOf({ name: "f", xattrs: { "user.a": largest } });

  it("may be as large as Linux allows", () => {
    const [first] = new TarReader().push(entry);
    assert.ok(first?.kind === "entry");
    assert.deepEqual(first.entry.xattrs, new Map([["user.a", largest]]));
  });

  it("are refused once those of all entries together use too much memory", () => {
    const reader = new TarReader();
    let count = 0;
    assert.throws(() => {
      for (; count < 10_000; count += 1) for (const _ of reader.push(entry));
    }, FormatError);
    assert.ok(count > 1000, `${count} entries were read`);
  });
});
