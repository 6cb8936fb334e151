import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addImage, baseWithout, imageOf, layoutOf } from "../extract/support/images.js";
import { runCommand } from "../extract/support/run-command.js";
import { demoImage } from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { ImageContent } from "../oci-client/support/image-content.js";
import { baseLayer } from "../support/base-layer.js";
import { assertPrintable } from "./support/refusal.js";

/** Erases the screen, sets a title, rings, forges a line, reverses the direction, and uses C1. */
const evil = "\u001b[2J\u001b]0;x\u0007\nkairos-netboot: done\u202e\u009b31m\u0085";

interface Case {
  readonly name: string;
  readonly image: () => Promise<string>;
  readonly args?: readonly string[];
}

const releaseOf = (value: string) => ({ name: "etc/kairos-release", content: value });

const cases: readonly Case[] = [
  { name: "the reference", image: async () => `127.0.0.1:1/${evil}` },
  { name: "the directory of a layout", image: async () => `oci:${evil}` },
  { name: "the tag of a layout", image: async () => `${demoImage}:${evil}` },
  { name: "--kernel", image: async () => demoImage, args: ["--kernel", evil] },
  { name: "--initrd", image: async () => demoImage, args: ["--initrd", evil] },
  { name: "--name", image: async () => demoImage, args: ["--name", evil] },
  { name: "--platform", image: async () => demoImage, args: ["--platform", evil] },
  { name: "--compression", image: async () => demoImage, args: ["--compression", evil] },
  { name: "--block-size", image: async () => demoImage, args: ["--block-size", evil] },
  { name: "an unknown option", image: async () => demoImage, args: [`--${evil}`] },
  { name: "an extra argument", image: async () => demoImage, args: [evil] },
  {
    name: "a value of the release file",
    image: () => imageOf([baseLayer, [releaseOf(`KAIROS_ARTIFACT="${evil.replace("\n", "")}"\n`)]]),
  },
  {
    name: "the name of an initrd",
    image: () =>
      imageOf([
        baseWithout("./boot/initrd"),
        [{ name: `boot/initrd-${evil}` }, { name: `boot/initrd-2${evil}` }],
      ]),
  },
  {
    name: "the name of the chosen kernel",
    image: () =>
      imageOf([
        baseWithout("./boot/vmlinuz", "./etc/kairos-release"),
        [{ name: `boot/vmlinuz-${evil}`, content: "kernel" }],
      ]),
  },
  {
    name: "the name of a raw disk",
    image: () => imageOf([[{ name: `${evil}.raw`, content: "disk" }]]),
  },
  {
    name: "the name of a hard link to nowhere",
    image: () => imageOf([baseLayer, [{ name: evil, type: "hardlink", link: `${evil}2` }]]),
  },
  {
    name: "the name of an extended attribute that squashfs cannot hold, in a warning",
    image: () =>
      imageOf([
        baseWithout("./etc/kairos-release"),
        [{ name: "a", xattrs: { [`system.${evil.replace("=", "")}`]: "x" } }],
      ]),
  },
  {
    name: "a platform of an index",
    image: async () => {
      const content = new ImageContent();
      const platform = { os: "linux", architecture: evil };
      const image = { ...addImage(content, [baseLayer]), platform };
      return layoutOf(content, content.index([image, image]));
    },
  },
];

describe("control characters from an image or a user do not reach the terminal from", () => {
  for (const { name, image, args = [] } of cases) {
    it(name, async () => {
      const cwd = await temporaryDirectory();
      const words = ["extract", await image(), "-o", "out", "--platform=amd64", ...args];
      const { status, stdout, stderr } = await runCommand([...words, "--verbose"], { cwd });
      assert.notEqual(status, 0);
      assert.equal(stdout, "");
      assertPrintable(stderr);
      assert.doesNotMatch(stderr, /^kairos-netboot: done/m, "no forged line");
    });
  }
});
