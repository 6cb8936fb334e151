import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { unixSeconds } from "../../src/support/index.js";

describe("times of an image", () => {
  const times: [text: string | undefined, seconds: number | undefined][] = [
    ["1970-01-01T00:00:10Z", 10],
    ["2024-02-29T12:00:00.999999999Z", 1_709_208_000],
    ["2024-02-29T14:00:00+02:00", 1_709_208_000],
    ["0001-01-01T00:00:00Z", 0],
    ["2024-02-29T12:00:00", undefined],
    ["2024-13-01T00:00:00Z", undefined],
    ["yesterday", undefined],
    [undefined, undefined],
  ];
  for (const [text, seconds] of times) {
    it(`reads ${text} as ${seconds}`, () => assert.equal(unixSeconds(text), seconds));
  }
});
