import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Option } from "commander";
import { extractOptionTable } from "../../src/extract/extract-option-table.js";

describe("the table of extract's options", () => {
  for (const [name, { flags }] of Object.entries(extractOptionTable)) {
    it(`gives ${flags} the same name on the command line and in the library`, () => {
      assert.equal(new Option(flags).attributeName(), name);
    });
  }

  it("has no option that would consume the argument after its value", () => {
    for (const { flags } of Object.values(extractOptionTable)) {
      assert.equal(new Option(flags).variadic, false, flags);
    }
  });
});
