import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { describe, it } from "node:test";
import { runCommand } from "../extract/support/run-command.js";
import { demoImage } from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { assertRefusal } from "./support/refusal.js";

interface Mistake {
  readonly name: string;
  readonly args: readonly string[];
  readonly message: RegExp;
  readonly hint: RegExp;
}

const good = ["extract", demoImage, "--platform=linux/amd64"];
const intoOut = [...good, "-o", "new/out"];

const mistakes: readonly Mistake[] = [
  {
    name: "a mistyped command; the hint suggests a similar one",
    args: ["extrct", demoImage, "-o", "new/out"],
    message: /'extrct'/,
    hint: /extract/,
  },
  {
    name: "help on a mistyped command; the hint suggests a similar one",
    args: ["help", "extrct"],
    message: /'extrct'/,
    hint: /Did you mean extract\?/,
  },
  {
    name: "help on an unknown command",
    args: ["help", "frobnicate"],
    message: /'frobnicate'/,
    hint: /--help/,
  },
  {
    name: "an unknown command",
    args: ["frobnicate"],
    message: /'frobnicate'/,
    hint: /--help/,
  },
  {
    name: "a mistyped option; the hint suggests a similar one",
    args: [...intoOut, "--compresion", "xz"],
    message: /'--compresion'/,
    hint: /--compression/,
  },
  {
    name: "a mistyped --output; the hint suggests --output",
    args: [...good, "--ouptut", "new/out"],
    message: /'--ouptut'/,
    hint: /--output/,
  },
  {
    name: "an unknown option",
    args: [...intoOut, "--frobnicate"],
    message: /'--frobnicate'/,
    hint: /extract --help/,
  },
  {
    name: "the path of an archive",
    args: ["extract", "./image.tar", "-o", "new/out"],
    message: /\.\/image\.tar is a path/,
    hint: /oci-archive:\.\/image\.tar.*docker-archive:\.\/image\.tar/,
  },
  {
    name: "the path of a layout",
    args: ["extract", demoImage.replace("oci:", ""), "-o", "new/out"],
    message: /demo-image is a path/,
    hint: /oci:\/.*demo-image/,
  },
  {
    name: "no image",
    args: ["extract", "-o", "new/out"],
    message: /No image is given/,
    hint: /extract quay/,
  },
  {
    name: "a client certificate without its key",
    args: [...intoOut, "--tls-cert", "me.cert"],
    message: /--tls-cert needs --tls-key/,
    hint: /--tls-key FILE/,
  },
  {
    name: "a key without its client certificate",
    args: [...intoOut, "--tls-key", "me.key"],
    message: /--tls-key needs --tls-cert/,
    hint: /--tls-cert FILE/,
  },
  {
    name: "a URL for --insecure",
    args: [...intoOut, "--insecure", "http://registry.example"],
    message: /--insecure http:.*not a host/,
    hint: /HOST:PORT/,
  },
  {
    name: "a mirror without a host that it mirrors",
    args: [...intoOut, "--mirror", "mirror.example"],
    message: /--mirror mirror\.example is not HOST=MIRROR/,
    hint: /quay\.io=/,
  },
  {
    name: "a URL as a mirror",
    args: [...intoOut, "--mirror", "quay.io=https://mirror.example"],
    message: /is not HOST=MIRROR/,
    hint: /quay\.io=/,
  },
  {
    name: "an empty --authfile",
    args: [...intoOut, "--authfile="],
    message: /--authfile is empty/,
    hint: /file/,
  },
  { name: "no --output", args: good, message: /--output/, hint: /-o / },
  {
    name: "an option without its value",
    args: [...good, "-o"],
    message: /--output/,
    hint: /--help/,
  },
  {
    name: "one --name for several images",
    args: [...intoOut, "oci:another", "--name", "x"],
    message: /--name is for one image/,
    hint: /Leave it out/,
  },
  {
    name: "a list that does not exist",
    args: ["extract", "--from-file", "nowhere", "-o", "new/out"],
    message: /nowhere cannot be read \(ENOENT\)/,
    hint: /one image per line/,
  },
  { name: "an empty image", args: ["extract", "", "-o", "new/out"], message: /image/, hint: /./ },
  { name: "an empty --output", args: [...good, "-o", ""], message: /--output/, hint: /-o / },
  {
    name: "an empty --cache-dir",
    args: [...intoOut, "--cache-dir", ""],
    message: /--cache-dir/,
    hint: /./,
  },
  {
    name: "an invalid reference",
    args: ["extract", "UPPER::x", "-o", "new/out"],
    message: /UPPER::x/,
    hint: /registry\/repository:tag/,
  },
  {
    name: "an invalid platform",
    args: ["extract", demoImage, "-o", "new/out", "--platform", "linux"],
    message: /"linux"/,
    hint: /linux\/amd64/,
  },
  {
    name: "an extra argument",
    args: ["inspect", demoImage, "more"],
    message: /got 2\.$/,
    hint: /inspect --help/,
  },
  { name: "a --jobs of 0", args: [...intoOut, "--jobs=0"], message: /--jobs/, hint: /./ },
  {
    name: "an unknown codec",
    args: [...intoOut, "--compression=bzip2"],
    message: /bzip2/,
    hint: /gzip, zstd/,
  },
  {
    name: "an empty --compression",
    args: [...intoOut, "--compression="],
    message: /compression/,
    hint: /gzip, zstd/,
  },
  {
    name: "a block size that squashfs does not support",
    args: [...intoOut, "--block-size=2M"],
    message: /2M/,
    hint: /4K to 1M/,
  },
  {
    name: "a --name with a path",
    args: [...intoOut, "--name=../x"],
    message: /--name/,
    hint: /letters, digits/,
  },
];

describe("a usage error exits with status 2, one sentence, and a hint:", () => {
  for (const { name, args, message, hint } of mistakes) {
    it(name, async () => {
      const cwd = await temporaryDirectory();
      const outcome = await runCommand(args, { cwd });
      assertRefusal(outcome, { status: 2, message, hint });
      assert.deepEqual(await readdir(cwd), [], "nothing is left behind");
    });
  }
});
