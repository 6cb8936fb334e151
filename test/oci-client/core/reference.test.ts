import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatReference, parseReference, type Reference } from "../../../src/oci-client/index.js";
import { failsWith } from "../support/fails-with.js";

const sha256 = `sha256:${"a1".repeat(32)}`;
const sha512 = `sha512:${"b2".repeat(64)}`;

/** From the grammar and the tests of distribution/reference, and Docker's documentation of short names. */
const accepted: [name: string, text: string, expected: Reference][] = [
  [
    "a bare name is an official image on Docker Hub",
    "debian",
    { registry: "docker.io", repository: "library/debian", tag: "latest" },
  ],
  [
    "a name of two parts is a user's image on Docker Hub",
    "kairos/ubuntu:24.04",
    { registry: "docker.io", repository: "kairos/ubuntu", tag: "24.04" },
  ],
  [
    "Docker Hub's old name is the same registry",
    "index.docker.io/debian",
    { registry: "docker.io", repository: "library/debian", tag: "latest" },
  ],
  [
    "a first part with a dot is a registry",
    "quay.io/kairos/ubuntu:24.04-core-amd64-generic-v3.2.3",
    { registry: "quay.io", repository: "kairos/ubuntu", tag: "24.04-core-amd64-generic-v3.2.3" },
  ],
  [
    "a first part with a port is a registry",
    "mirror:5000/os",
    { registry: "mirror:5000", repository: "os", tag: "latest" },
  ],
  [
    "localhost is a registry",
    "localhost/os:v1",
    { registry: "localhost", repository: "os", tag: "v1" },
  ],
  [
    "an IPv6 registry is written in brackets",
    "[2001:db8::1]:5000/a/b/c:v1",
    { registry: "[2001:db8::1]:5000", repository: "a/b/c", tag: "v1" },
  ],
  [
    "a colon without a slash after it is a tag, not a port",
    "test:5000",
    { registry: "docker.io", repository: "library/test", tag: "5000" },
  ],
  [
    "a digest replaces the default tag",
    `quay.io/os@${sha256}`,
    { registry: "quay.io", repository: "os", digest: sha256 },
  ],
  [
    "a tag is kept next to a digest",
    `quay.io/os:v1@${sha256}`,
    { registry: "quay.io", repository: "os", tag: "v1", digest: sha256 },
  ],
  [
    "a digest can be sha512",
    `quay.io/os@${sha512}`,
    { registry: "quay.io", repository: "os", digest: sha512 },
  ],
  [
    "host names are case-insensitive",
    "Quay.IO/os:V1",
    { registry: "quay.io", repository: "os", tag: "V1" },
  ],
  [
    "separators are a dot, one or two underscores, any number of dashes",
    "quay.io/a.b_c__d---e",
    { registry: "quay.io", repository: "a.b_c__d---e", tag: "latest" },
  ],
  [
    "a repository may have 255 characters",
    `quay.io/${"a".repeat(255)}`,
    { registry: "quay.io", repository: "a".repeat(255), tag: "latest" },
  ],
  [
    "a tag may have 128 characters",
    `quay.io/os:${"t".repeat(128)}`,
    { registry: "quay.io", repository: "os", tag: "t".repeat(128) },
  ],
];

const refused: [name: string, text: string, words: RegExp][] = [
  ["nothing", "", /empty/],
  ["white space", " quay.io/os", /registry|repository/],
  ["a scheme", "https://quay.io/os", /scheme/],
  ["an upper-case repository", "quay.io/Kairos/Ubuntu", /upper-case/],
  ["an empty path part", "quay.io/a//b", /repository/],
  ["a registry alone", "quay.io/", /repository/],
  ["a separator at the end", "quay.io/os-", /repository/],
  ["three underscores", "quay.io/a___b", /repository/],
  ["two dots, which could escape from a path", "quay.io/a/../b", /repository/],
  ["a repository of 256 characters", `quay.io/${"a".repeat(256)}`, /255/],
  ["an empty tag", "quay.io/os:", /tag/],
  ["a tag of 129 characters", `quay.io/os:${"t".repeat(129)}`, /tag/],
  ["a tag that begins with a dash", "quay.io/os:-v1", /tag/],
  ["a tag with a plus, as versions have", "quay.io/os:v3.2.3+k3s1", /tag/],
  ["an empty digest", "quay.io/os@", /digest/],
  ["a digest that is too short", "quay.io/os@sha256:abc", /digest/],
  ["a digest in upper case", `quay.io/os@sha256:${"A1".repeat(32)}`, /digest/],
  ["a digest of another algorithm", `quay.io/os@md5:${"a".repeat(32)}`, /digest/],
  ["two digests", `quay.io/os@${sha256}@${sha256}`, /digest/],
  ["a host that begins with a dash", "-quay.io/os", /registry/],
  ["a port that does not exist", "quay.io:65536/os", /registry/],
  ["an IPv4 address that does not exist", "1.2.3.999/os", /registry/],
  ["an IPv6 address that does not exist", "[::1::2]/os", /registry/],
  ["a user name before the host", "me:secret@quay.io/os", /digest/],
  ["a line break", "quay.io/os:v1\nforged", /tag/],
  ["a megabyte", "a/".repeat(500_000), /too long/],
];

describe("parseReference", () => {
  for (const [name, text, expected] of accepted) {
    it(name, () => assert.deepEqual(parseReference(text), expected));
  }
  for (const [name, text, words] of refused) {
    it(`refuses ${name}`, () => {
      assert.throws(() => parseReference(text), failsWith("REFERENCE_INVALID", words));
    });
  }

  it("says how to write an upper-case repository", () => {
    assert.throws(() => parseReference("quay.io/Kairos/OS"), { hint: /kairos\/os/ });
  });

  it("keeps control characters out of its message", () => {
    assert.throws(
      () => parseReference("a\u001b[31m\u202e"),
      (error: Error) => {
        return !/[\u001b\u202e]/.test(error.message);
      },
    );
  });
});

describe("formatReference", () => {
  it("writes all parts", () => {
    assert.equal(formatReference(parseReference("debian")), "docker.io/library/debian:latest");
  });
  for (const [, text, expected] of accepted) {
    it(`writes what parseReference reads: ${text.slice(0, 60)}`, () => {
      assert.deepEqual(parseReference(formatReference(expected)), expected);
    });
  }
});
