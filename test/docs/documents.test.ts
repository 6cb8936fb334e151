import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { describe, it } from "node:test";
import { runCommand } from "../extract/support/run-command.js";
import { checkout } from "../support/checkout.js";

const filesBelow = (directory: string, ending: string) =>
  readdirSync(join(checkout, directory), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(ending))
    .map((path) => join(directory, path));

const documents = [
  ...readdirSync(checkout).filter((name) => name.endsWith(".md")),
  ...filesBelow("docs", ".md"),
];
const textOf = (path: string) => readFileSync(join(checkout, path), "utf8");

/** The anchor that GitHub gives a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\- _]/gu, "")
    .replaceAll(" ", "-");

const anchorsIn = (path: string) =>
  [...textOf(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading));

describe("the documents", () => {
  for (const path of documents) {
    it(`${path} links to pages and headings that exist`, () => {
      for (const [, target = ""] of textOf(path).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        const [page = "", anchor] = target.split("#");
        const linked = page === "" ? path : relative(checkout, join(checkout, dirname(path), page));
        assert.ok(existsSync(join(checkout, linked)), `${target} does not exist`);
        if (anchor !== undefined) assert.ok(anchorsIn(linked).includes(anchor), target);
      }
    });
  }

  it("name source files that exist", () => {
    const names = new Set(filesBelow("src", ".ts").map((path) => basename(path)));
    const paths = filesBelow("src", ".ts");
    for (const document of ["ARCHITECTURE.md", "CONTRIBUTING.md", ...filesBelow("docs", ".md")]) {
      for (const [, mention = ""] of textOf(document).matchAll(/`([\w/-]+\.ts)`/g)) {
        const exists = mention.includes("/")
          ? paths.some((path) => path.endsWith(`/${mention}`)) ||
            existsSync(join(checkout, mention))
          : names.has(mention);
        assert.ok(exists, `${document} names ${mention}`);
      }
    }
  });

  it("use options that their commands have", async () => {
    const helps = new Map<string, string>();
    for (const document of ["README.md", "CONTRIBUTING.md", ...filesBelow("docs", ".md")]) {
      // Commands may continue on the next line.
      const text = textOf(document).replaceAll("\\\n", " ");
      for (const [, words = ""] of text.matchAll(
        /^(?:[^\n`|]*\s)?kairos-netboot ([a-z][^\n`|]*)/gm,
      )) {
        const command = words.startsWith("cache ") ? words.split(" ", 2) : words.split(" ", 1);
        const key = command.join(" ");
        const help =
          helps.get(key) ?? (await runCommand([...command, "--help"], { cwd: checkout })).stdout;
        helps.set(key, help);
        for (const [option] of words.matchAll(/(?<=\s)--[a-z][a-z-]+/g)) {
          assert.match(help, new RegExp(`${option}\\b`), `${document}: kairos-netboot ${words}`);
        }
      }
    }
    assert.ok(helps.size >= 5);
  });
});
