import assert from "node:assert/strict";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { extract } from "../../src/extract/index.js";
import { inspect } from "../../src/inspect/index.js";
import { NetbootError } from "../../src/support/index.js";
import { imageOf } from "../extract/support/images.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { baseLayer } from "../support/base-layer.js";
import { elfHeader } from "../support/elf-header.js";
import type { ArchivePart } from "../support/tar-builder.js";

const [amd64, arm64] = [elfHeader({ machine: 62 }), elfHeader({ machine: 183 })];
const usr: ArchivePart[] = [
  { name: "usr/", type: "directory" },
  { name: "usr/bin/", type: "directory" },
  { name: "bin", type: "symlink", link: "usr/bin" },
];

/** A silent image of these layers on top of the base layer. */
function silentImage(layers: readonly (readonly ArchivePart[])[]): Promise<string> {
  const config = { architecture: undefined };
  return imageOf([baseLayer, ...layers], { config });
}

/** How the programs in a silent image compare with linux/amd64, which it is assumed to be for. */
const cases: [
  name: string,
  layers: readonly (readonly ArchivePart[])[],
  finding: "confirmed" | "unknown" | RegExp,
][] = [
  ["its shell is for it", [[{ name: "bin/sh", content: amd64 }]], "confirmed"],
  [
    "its shell is for another one",
    [[{ name: "bin/sh", content: arm64 }]],
    /\/bin\/sh is for arm64/,
  ],
  [
    "its shell is behind links",
    [
      [...usr, { name: "usr/bin/sh", type: "symlink", link: "dash" }],
      [{ name: "usr/bin/dash", content: arm64 }],
    ],
    /\/usr\/bin\/dash is for arm64/,
  ],
  [
    "its shell is behind an absolute link",
    [
      [
        ...usr,
        { name: "usr/bin/busybox", content: arm64 },
        { name: "usr/bin/sh", type: "symlink", link: "/bin/busybox" },
      ],
    ],
    /\/usr\/bin\/busybox is for arm64/,
  ],
  [
    "an upper layer replaces its shell",
    [[{ name: "bin/sh", content: arm64 }], [{ name: "bin/sh", content: amd64 }]],
    "confirmed",
  ],
  [
    "its shell is a script, but not its init",
    [
      [
        { name: "bin/sh", content: "#!/bin/busybox sh\n" },
        { name: "sbin/init", content: arm64 },
      ],
    ],
    /\/sbin\/init is for arm64/,
  ],
  ["its shell leads nowhere", [[{ name: "bin/sh", type: "symlink", link: "sh" }]], "unknown"],
  ["it has no programs", [], "unknown"],
];

describe("an image that does not say its architecture", () => {
  for (const [name, layers, finding] of cases) {
    it(`is inspected if ${name}`, async () => {
      const warnings: string[] = [];
      const { platform, problems } = await inspect({
        image: await silentImage(layers),
        platform: "amd64",
        onEvent: ({ level, text }) => level === "warning" && warnings.push(text),
      });
      assert.equal(platform, "linux/amd64");
      assert.equal(warnings.length, finding === "unknown" ? 1 : 0, warnings.join());
      assert.equal(problems.length, finding instanceof RegExp ? 1 : 0);
      if (!(finding instanceof RegExp)) return;
      assert.equal(problems[0]!.code, "PLATFORM_NOT_FOUND");
      assert.match(problems[0]!.message, finding);
      assert.match(problems[0]!.hint, /--platform linux\/arm64/);
    });
  }

  it("is extracted, with a warning if nothing tells", async () => {
    for (const [programs, expected] of [
      [[{ name: "bin/sh", content: amd64 }], []],
      [[], ["The image does not say which platform it is for; assuming linux/amd64."]],
    ] as const) {
      const warnings: string[] = [];
      const output = join(await temporaryDirectory(), "out");
      const { description } = await extract({
        image: await silentImage([programs]),
        output,
        platform: "amd64",
        onEvent: (event) =>
          event.type === "message" && event.level === "warning" && warnings.push(event.text),
      });
      assert.equal(description.source.platform, "linux/amd64");
      assert.deepEqual(warnings, expected);
    }
  });

  it("is not extracted for another one, and nothing is left behind", async () => {
    const output = join(await temporaryDirectory(), "out");
    const image = await silentImage([[{ name: "bin/sh", content: arm64 }]]);
    await assert.rejects(extract({ image, output, platform: "amd64" }), (error) => {
      assert.ok(error instanceof NetbootError);
      assert.equal(error.code, "PLATFORM_NOT_FOUND");
      assert.equal(error.exitStatus, 3);
      return true;
    });
    await assert.rejects(access(output));
    await extract({ image, output, platform: "arm64" });
  });
});
