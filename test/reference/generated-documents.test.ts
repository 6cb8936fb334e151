import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { checkout } from "../support/checkout.js";
import { readCommands } from "./command-data.js";
import { manPages } from "./man-pages.js";
import { generatedFiles } from "./pages.js";

describe("the generated reference", () => {
  for (const [path, content] of generatedFiles()) {
    it(`has an up-to-date ${path}; npm run reference writes it`, () => {
      assert.equal(readFileSync(join(checkout, path), "utf8"), content);
    });
  }

  it("describes every option of every command, on the page of commands and in a man page", () => {
    const page = generatedFiles().get("docs/reference/commands.md") ?? "";
    for (const { name, groups } of readCommands().slice(1)) {
      const section = page.slice(page.indexOf(`## \`${name}\``)).split("\n## ")[0] ?? "";
      const manPage = manPages().get(`${name.replaceAll(" ", "-")}.1`) ?? "";
      for (const { flags } of groups.flatMap(({ options }) => options)) {
        assert.ok(section.includes(`\`${flags.replaceAll("|", "\\|")}\``), `${name} ${flags}`);
        assert.ok(manPage.includes(`.B ${flags.replaceAll("-", "\\-")}`), `${name} ${flags}`);
      }
    }
  });
});

describe("man pages", () => {
  it("are listed in package.json, and there are no others", () => {
    const { man } = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8"));
    const paths = [...manPages().keys()].map((name) => `./man/${name}`).sort();
    assert.deepEqual([...man].sort(), paths);
    assert.deepEqual(readdirSync(join(checkout, "man")).sort(), [...manPages().keys()].sort());
  });

  for (const name of manPages().keys()) {
    it(`${name} is valid for groff`, () => {
      const args = ["-man", "-Tutf8", "-ww", "-z", join(checkout, "man", name)];
      // groff reports a problem on standard error, and succeeds all the same.
      const output = execFileSync("sh", ["-c", 'exec groff "$@" 2>&1', "sh", ...args], {
        encoding: "utf8",
      });
      assert.equal(output, "");
    });
  }
});
