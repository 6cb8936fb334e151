import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  durationMs,
  formatBytes,
  formatDuration,
  formatMemory,
  parseDuration,
  parseSize,
} from "../../src/support/index.js";

describe("durations", () => {
  const durations: [text: string, milliseconds: number | undefined][] = [
    ["0", 0],
    ["90s", 90_000],
    ["1.5m", 90_000],
    ["12h", 43_200_000],
    ["30d", 2_592_000_000],
    ["2w", 1_209_600_000],
    ["90", undefined],
    ["", undefined],
    ["-1s", undefined],
    ["1 s", undefined],
    ["1y", undefined],
    ["1234567s", undefined],
  ];
  for (const [text, milliseconds] of durations) {
    it(`reads ${JSON.stringify(text)} as ${milliseconds} ms`, () => {
      assert.equal(durationMs(text), milliseconds);
    });
  }

  it("names the option if the text is not a duration", () => {
    assert.throws(() => parseDuration("soon", "--older-than"), {
      code: "USAGE_INVALID",
      message: '--older-than must be a duration, not "soon".',
    });
  });

  it("prints the largest unit of which there are at least two", () => {
    const printed = [900, 119_000, 120_000, 7_200_000, 172_800_000].map(formatDuration);
    assert.deepEqual(printed, ["1 s", "119 s", "2 min", "2 h", "2 d"]);
  });
});

describe("sizes", () => {
  const sizes: [text: string, bytes: number][] = [
    ["0", 0],
    ["500M", 500e6],
    ["20GB", 20e9],
    ["1.5GiB", 1.5 * 1024 ** 3],
    ["7b", 7],
    ["1k", 1000],
  ];
  for (const [text, bytes] of sizes) {
    it(`reads ${JSON.stringify(text)} as ${bytes} bytes`, () => {
      assert.equal(parseSize(text, "--max-size"), bytes);
    });
  }

  for (const text of ["20", "", "-1G", "20iB", "1X"]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseSize(text, "--max-size"), {
        code: "USAGE_INVALID",
        message: `--max-size must be a size, not ${JSON.stringify(text)}.`,
      });
    });
  }

  it("prints bytes in powers of 1000, and memory in half gigabytes", () => {
    assert.deepEqual([999, 1000, 735_200_000].map(formatBytes), ["999 B", "1.0 kB", "735.2 MB"]);
    assert.deepEqual([1, 1.4e9, 2e9].map(formatMemory), ["0.5 GB", "1.5 GB", "2 GB"]);
  });
});
