import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, it } from "node:test";
import { checkout } from "../support/checkout.js";

const filesBelow = (directory: string) =>
  readdirSync(join(checkout, directory), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => join(directory, path));

const repeated = (names: readonly string[]) =>
  names.filter((name, index) => names.indexOf(name) < index);

describe("names in the source code", () => {
  it("no two files have the same name, except index.ts", () => {
    const names = [...filesBelow("src"), ...filesBelow("test")].map((path) => basename(path));
    assert.deepEqual(repeated(names.filter((name) => name !== "index.ts")), []);
  });

  it("no two exported types have the same name", () => {
    const types = filesBelow("src").flatMap((path) =>
      [
        ...readFileSync(join(checkout, path), "utf8").matchAll(
          /^export (?:abstract )?(?:interface|type|class) (\w+)/gm,
        ),
      ].map(([, name = ""]) => name),
    );
    assert.deepEqual(repeated(types), []);
  });
});
