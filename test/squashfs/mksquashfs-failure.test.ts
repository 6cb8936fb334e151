import assert from "node:assert/strict";
import { chmod, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { assertRefusal } from "../cli/support/refusal.js";
import { addImage, layoutOf, noise } from "../extract/support/images.js";
import { runCommand } from "../extract/support/run-command.js";
import { succeed } from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { ImageContent } from "../oci-client/support/image-content.js";
import { baseLayer } from "../support/base-layer.js";

interface Case {
  readonly name: string;
  /** A shell script that runs instead of the real program, `$real`. */
  readonly wrapper: string;
  readonly status: number;
  readonly message: RegExp;
  readonly hint: RegExp;
}

/** Answers the version check, which precedes the real run. */
const answerVersion = '[ "$1" = -version ] && exec "$real" -version\n';

const cases: readonly Case[] = [
  {
    name: "is too old",
    wrapper: "echo 'mksquashfs version 4.4 (2019/08/29)'",
    status: 5,
    message: /4\.4.*4\.5/,
    hint: /Install squashfs-tools 4\.5/,
  },
  {
    name: "is another program",
    wrapper: "echo something else",
    status: 5,
    message: /unknown version/,
    hint: /Install squashfs-tools 4\.5/,
  },
  {
    name: "is killed in the middle of the tar",
    wrapper: `${answerVersion}
      tar=$(mktemp -u); mkfifo "$tar"
      "$real" "$@" <"$tar" & pid=$!
      { head -c 1000000; kill -9 $pid; } >"$tar"
      rm "$tar"; wait $pid`,
    status: 1,
    message: /mksquashfs failed: .*(?:137|Killed)/,
    hint: /again/,
  },
  {
    name: "is killed before it reads anything",
    wrapper: `${answerVersion}kill -9 $$`,
    status: 1,
    message: /mksquashfs failed.*SIGKILL/,
    hint: /again/,
  },
  {
    name: "is killed at the end",
    wrapper: `${answerVersion}"$real" "$@"; kill -9 $$`,
    status: 1,
    message: /mksquashfs failed.*SIGKILL/,
    hint: /again/,
  },
  {
    name: "fails and says why",
    wrapper: `${answerVersion}cat >/dev/null; echo 'FATAL ERROR: odd weather' >&2; exit 1`,
    status: 1,
    message: /mksquashfs failed: FATAL ERROR: odd weather/,
    hint: /again/,
  },
  {
    name: "fails and prints escape sequences",
    wrapper: `${answerVersion}cat >/dev/null; printf 'FATAL \\033[2J\\a' >&2; exit 1`,
    status: 1,
    message: /FATAL \\x1b\[2J\\x07/,
    hint: /again/,
  },
  {
    name: "writes to standard error but exits with status 0",
    wrapper: `${answerVersion}"$real" "$@" && echo 'Ignoring the rest' >&2`,
    status: 1,
    message: /mksquashfs failed: Ignoring the rest/,
    hint: /again/,
  },
  {
    name: "exits with status 0 after half of the tar",
    wrapper: `${answerVersion}head -c 1000000 >/dev/null; exit 0`,
    status: 1,
    message: /mksquashfs/,
    hint: /again/,
  },
  {
    name: "makes a squashfs with another block size",
    wrapper: `${answerVersion}exec "$real" "$@" -b 8192`,
    status: 1,
    message: /mksquashfs reported success, but .*block size/,
    hint: /another version/,
  },
  {
    name: "leaves out a file",
    wrapper: `${answerVersion}tar --delete etc/kairos-release | "$real" "$@"`,
    status: 1,
    message: /mksquashfs reported success, but .*inodes/,
    hint: /another version/,
  },
  {
    name: "loses the end of the squashfs",
    wrapper: `${answerVersion}"$real" "$@" && truncate -s 1000 "$2"`,
    status: 1,
    message: /mksquashfs reported success, but .*cut short/,
    hint: /another version/,
  },
  {
    name: "writes no file",
    wrapper: `${answerVersion}cat >/dev/null`,
    status: 1,
    message: /mksquashfs reported success, but/,
    hint: /another version/,
  },
  {
    name: "was built without the compressor",
    wrapper: `${answerVersion}exec "$real" "$1" "$2" -tar -comp zst`,
    status: 5,
    message: /built without zst/,
    hint: /--compression/,
  },
];

describe("extract reports an error and leaves nothing behind if mksquashfs", () => {
  const content = new ImageContent();
  const image = addImage(content, [baseLayer, [noise("noise", 4_000_000)]]);
  let real: string;
  before(async () => {
    real = (await succeed("sh", ["-c", "command -v mksquashfs"])).stdout.trim();
  });

  for (const { name, wrapper, ...refusal } of cases) {
    it(name, async () => {
      const directory = await temporaryDirectory();
      await writeFile(join(directory, "mksquashfs"), `#!/bin/sh\nreal=${real}\n${wrapper}\n`);
      await chmod(join(directory, "mksquashfs"), 0o755);
      const cwd = await temporaryDirectory();
      const reference = await layoutOf(content, image);
      const args = ["extract", reference, "-o", "out", "--platform=amd64", "--quiet"];
      const env = { PATH: `${directory}:${process.env.PATH}`, TMPDIR: directory };
      assertRefusal(await runCommand(args, { cwd, env }), refusal);
      assert.deepEqual(await readdir(cwd), []);
    });
  }
});
