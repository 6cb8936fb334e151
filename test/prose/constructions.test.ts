import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createLinter, loadTextlintrc } from "textlint";
import { checkout } from "../support/checkout.js";

/** Sentences as nobody would write them, each with the same in plain English. */
const examples: readonly (readonly [refused: string, accepted: string])[] = [
  ["Who has the public key checks it.", "Verify it with the public key."],
  [
    "What cannot be read is told of once, and what held before still holds.",
    "If a release is invalid, the server logs one warning and keeps using the previous version.",
  ],
  ["Where there is none, the default is used.", "If there is none, the default is used."],
  ["This is no YAML.", "This is not valid YAML."],
  [
    "files of 16 MiB and more that are sent at once",
    "Maximum number of concurrent transfers of files larger than 16 MiB",
  ],
  ["Undefined where there is none.", "Undefined if there is none."],
  ["The tag names another image by then.", "The tag has moved in the meantime."],
  ["Its name stands before it.", "Its name precedes it."],
  ["It lies beside the script.", "It is in the script's directory."],
  ["Mend that line.", "Fix that line."],
  ["It is held against its digest.", "Its digest is checked."],
  ["Version 1 is passed over.", "Version 1 is skipped."],
  ["It is told of once.", "The server reports it once."],
  ["8080 if left out", "The default is 8080."],
  ["It begins anew.", "It starts again."],
  ["Its digest is that of the manifest.", "It has the digest of the manifest."],
  ["One that has not got the image.", "One that does not have the image."],
  ["A transfer that hardly gets on.", "A transfer slower than 64 kB/s."],
  ["a server of names", "a DNS server"],
];

describe("the prose check", async () => {
  const linter = createLinter({
    descriptor: await loadTextlintrc({ configFilePath: join(checkout, ".textlintrc.cjs") }),
  });
  const complaints = async (text: string, name: string) =>
    (await linter.lintText(text, name)).messages.map(({ message }) => message);

  for (const [refused, accepted] of examples) {
    it(`refuses "${refused}"`, async () => {
      assert.equal((await complaints(`${refused}\n`, "page.md")).length > 0, true);
      assert.equal((await complaints(`// ${refused}\nf();\n`, "code.ts")).length > 0, true);
      assert.equal(
        (await complaints(`f("${refused.replaceAll('"', "'")}");\n`, "code.ts")).length > 0,
        true,
      );
    });

    it(`accepts "${accepted}"`, async () => {
      assert.deepEqual(await complaints(`${accepted}\n`, "page.md"), []);
      assert.deepEqual(await complaints(`// ${accepted}\nf();\n`, "code.ts"), []);
    });
  }

  it("finds a construction that is broken across two lines of a comment", async () => {
    const text = "/**\n * Files that are sent at\n * once.\n */\nf();\n";
    assert.equal((await complaints(text, "code.ts")).length, 1);
    assert.equal((await complaints("// It is\n// no file.\nf();\n", "code.ts")).length, 1);
  });

  it("does not read code as prose", async () => {
    assert.deepEqual(await complaints("const lies = stands.told;\n", "code.ts"), []);
  });
});
