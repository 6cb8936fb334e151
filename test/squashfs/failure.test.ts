import assert from "node:assert/strict";
import { chmod, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { assertRefusal } from "../cli/support/refusal.js";
import { addImage, layoutOf, noise } from "../extract/support/images.js";
import { runProgram, succeed } from "../extract/support/program.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { ImageContent } from "../oci-client/support/image-content.js";
import { baseLayer } from "../support/base-layer.js";

interface Case {
  readonly name: string;
  /** A shell script that stands before the real program, `$real`. */
  readonly wrapper: string;
  readonly status: number;
  readonly message: RegExp;
  readonly hint: RegExp;
}

/** The version is asked for before; what follows is the real run. */
const versionFirst = '[ "$1" = -version ] && exec "$real" -version\n';

const cases: readonly Case[] = [
  {
    name: "too old",
    wrapper: "echo 'mksquashfs version 4.4 (2019/08/29)'",
    status: 5,
    message: /4\.4.*4\.5/,
    hint: /Install squashfs-tools 4\.5/,
  },
  {
    name: "no mksquashfs at all",
    wrapper: "echo something else",
    status: 5,
    message: /unknown version/,
    hint: /Install squashfs-tools 4\.5/,
  },
  {
    name: "killed in the middle of the tar",
    wrapper: `${versionFirst}
      tar=$(mktemp -u); mkfifo "$tar"
      "$real" "$@" <"$tar" & pid=$!
      { head -c 1000000; kill -9 $pid; } >"$tar"
      rm "$tar"; wait $pid`,
    status: 1,
    message: /mksquashfs failed: .*(?:137|Killed)/,
    hint: /again/,
  },
  {
    name: "killed before it reads anything",
    wrapper: `${versionFirst}kill -9 $$`,
    status: 1,
    message: /mksquashfs failed.*SIGKILL/,
    hint: /again/,
  },
  {
    name: "killed at the end",
    wrapper: `${versionFirst}"$real" "$@"; kill -9 $$`,
    status: 1,
    message: /mksquashfs failed.*SIGKILL/,
    hint: /again/,
  },
  {
    name: "ending with a status of its own, with words",
    wrapper: `${versionFirst}cat >/dev/null; echo 'FATAL ERROR: odd weather' >&2; exit 1`,
    status: 1,
    message: /mksquashfs failed: FATAL ERROR: odd weather/,
    hint: /again/,
  },
  {
    name: "ending with a status of its own, with escape sequences",
    wrapper: `${versionFirst}cat >/dev/null; printf 'FATAL \\033[2J\\a' >&2; exit 1`,
    status: 1,
    message: /FATAL \\x1b\[2J\\x07/,
    hint: /again/,
  },
  {
    name: "saying something on standard error with status 0",
    wrapper: `${versionFirst}"$real" "$@" && echo 'Ignoring the rest' >&2`,
    status: 1,
    message: /mksquashfs failed: Ignoring the rest/,
    hint: /again/,
  },
  {
    name: "content with half of the tar, and with status 0",
    wrapper: `${versionFirst}head -c 1000000 >/dev/null; exit 0`,
    status: 1,
    message: /mksquashfs/,
    hint: /again/,
  },
  {
    name: "making a squashfs of another kind than asked for",
    wrapper: `${versionFirst}exec "$real" "$@" -b 8192`,
    status: 1,
    message: /mksquashfs reported success, but .*block size/,
    hint: /another version/,
  },
  {
    name: "leaving a file out",
    wrapper: `${versionFirst}tar --delete etc/kairos-release | "$real" "$@"`,
    status: 1,
    message: /mksquashfs reported success, but .*inodes/,
    hint: /another version/,
  },
  {
    name: "losing the end of the file",
    wrapper: `${versionFirst}"$real" "$@" && truncate -s 1000 "$2"`,
    status: 1,
    message: /mksquashfs reported success, but .*cut short/,
    hint: /another version/,
  },
  {
    name: "making no file at all",
    wrapper: `${versionFirst}cat >/dev/null`,
    status: 1,
    message: /mksquashfs reported success, but/,
    hint: /another version/,
  },
  {
    name: "built without the codec",
    wrapper: `${versionFirst}exec "$real" "$1" "$2" -tar -comp zst`,
    status: 5,
    message: /built without zst/,
    hint: /--compression/,
  },
];

describe("a mksquashfs ends the run, which says so and leaves nothing behind, when it is", {
  concurrency: 2,
}, () => {
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
      const words = ["extract", reference, "-o", "out", "--platform=amd64", "--quiet"];
      const env = { PATH: `${directory}:${process.env.PATH}`, TMPDIR: directory };
      assertRefusal(await runProgram(words, { cwd, env }), refusal);
      assert.deepEqual(await readdir(cwd), []);
    });
  }
});
