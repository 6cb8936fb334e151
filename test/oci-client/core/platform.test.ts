import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  formatPlatform,
  hostPlatform,
  parsePlatform,
  platformMatchRank,
} from "../../../src/oci-client/index.js";
import { failsWith } from "../support/fails-with.js";

/** From containerd's platforms package: normalizeArch and the cases of its TestParseSelector. */
const spellings: [text: string, canonical: string][] = [
  ["linux/amd64", "linux/amd64"],
  ["amd64", "linux/amd64"],
  ["linux/x86_64", "linux/amd64"],
  ["x86-64", "linux/amd64"],
  ["linux/amd64/v1", "linux/amd64"],
  ["linux/amd64/v3", "linux/amd64/v3"],
  ["Linux/AMD64", "linux/amd64"],
  ["i386", "linux/386"],
  ["arm64", "linux/arm64"],
  ["linux/arm64/v8", "linux/arm64"],
  ["linux/arm64/8", "linux/arm64"],
  ["aarch64", "linux/arm64"],
  ["arm", "linux/arm/v7"],
  ["linux/arm/7", "linux/arm/v7"],
  ["linux/arm/v6", "linux/arm/v6"],
  ["armhf", "linux/arm/v7"],
  ["armel", "linux/arm/v6"],
  ["riscv64", "linux/riscv64"],
  ["windows/amd64", "windows/amd64"],
];

describe("parsePlatform", () => {
  for (const [text, canonical] of spellings) {
    it(`reads ${text} as ${canonical}`, () => {
      assert.equal(formatPlatform(parsePlatform(text)), canonical);
    });
  }
  for (const text of [
    "",
    "linux",
    "linux/",
    "/amd64",
    "linux/arm64/v8/x",
    "a b/c",
    "linux/\u001b",
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parsePlatform(text), failsWith("PLATFORM_INVALID"));
    });
  }
  it("does not accept the name of an object's member as an architecture", () => {
    assert.throws(() => parsePlatform("constructor"), failsWith("PLATFORM_INVALID"));
  });
});

describe("hostPlatform", () => {
  it("is Linux on every system", () => {
    assert.equal(hostPlatform().os, "linux");
  });
  it("is a platform in its canonical spelling", () => {
    assert.deepEqual(parsePlatform(formatPlatform(hostPlatform())), hostPlatform());
  });
});

/** From containerd's platforms.Only: what runs on a platform, best first. */
const choices: [wanted: string, offered: string[]][] = [
  ["linux/amd64", ["linux/amd64"]],
  ["linux/amd64/v3", ["linux/amd64/v3", "linux/amd64/v2", "linux/amd64"]],
  ["linux/arm64", ["linux/arm64/v8"]],
  ["linux/arm64/v8", ["linux/arm64"]],
  ["linux/arm64/v9", ["linux/arm64/v9", "linux/arm64"]],
  ["linux/arm/v8", ["linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]],
  ["linux/arm/v7", ["linux/arm", "linux/arm/v6", "linux/arm/v5"]],
  ["linux/arm/v6", ["linux/arm/v6", "linux/arm/v5"]],
];

const mismatches: [wanted: string, offered: string][] = [
  ["linux/amd64", "linux/arm64"],
  ["linux/amd64", "windows/amd64"],
  ["linux/amd64", "linux/amd64/v2"],
  ["linux/amd64", "linux/386"],
  ["linux/arm64", "linux/arm/v7"],
  ["linux/arm64", "linux/arm64/v9"],
  ["linux/arm/v6", "linux/arm/v7"],
  ["linux/mips64le", "linux/mips64le/hardfloat"],
];

function platform(text: string) {
  const [os = "", architecture = "", variant] = text.split("/");
  return { os, architecture, variant };
}

describe("platformMatchRank", () => {
  for (const [wanted, offered] of choices) {
    it(`prefers, for ${wanted}, ${offered.join(" to ")}`, () => {
      const ranks = offered.map((each) => platformMatchRank(platform(wanted), platform(each)));
      assert.ok(ranks.every((rank) => rank !== undefined));
      assert.deepEqual(ranks, [...new Set(ranks)].sort());
      assert.equal(ranks[0], 0);
    });
  }
  for (const [wanted, offered] of mismatches) {
    it(`does not run ${offered} on ${wanted}`, () => {
      assert.equal(platformMatchRank(platform(wanted), platform(offered)), undefined);
    });
  }
});
