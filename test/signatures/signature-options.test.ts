import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  openVerifier,
  readSignatureRequirement,
  type VerificationOptions,
} from "../../src/signatures/index.js";
import type { NetbootError } from "../../src/support/index.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import {
  githubIssuer,
  kairosRepository,
  trustedRootPath,
  workflow,
} from "./support/keyless-signatures.js";
import { fixtures } from "./support/signed-images.js";

const both = { verifyIdentity: workflow, verifyIssuer: githubIssuer };
const verifyKey = join(fixtures, "p256.pub");

interface Mistake {
  readonly name: string;
  readonly options: VerificationOptions;
  readonly message: RegExp;
  readonly hint: RegExp;
  /** The default is USAGE_INVALID. */
  readonly code?: string;
}

const mistakes: readonly Mistake[] = [
  {
    name: "an identity without an issuer",
    options: { verifyIdentity: workflow },
    message: /^--verify-identity requires --verify-issuer/,
    hint: /--verify-issuer https:\/\/token\.actions\.githubusercontent\.com/,
  },
  {
    name: "an issuer without an identity",
    options: { verifyIssuer: githubIssuer },
    message: /^--verify-issuer alone/,
    hint: /--verify-identity/,
  },
  ...[{ trustedRoot: trustedRootPath }, { verifySourceRepository: kairosRepository }].map(
    (options): Mistake => ({
      name: `only ${Object.keys(options)}`,
      options,
      message: /^--trusted-root and --verify-source-repository belong to an identity/,
      hint: /--verify-identity/,
    }),
  ),
  ...[both, { verifyIdentity: workflow }, { trustedRoot: trustedRootPath }].map(
    (options): Mistake => ({
      name: `a key with ${Object.keys(options).join(" and ")}`,
      options: { verifyKey, ...options },
      message: /^--verify-key is for signatures with a key/,
      hint: /--verify-key, or --verify-identity/,
    }),
  ),
  {
    name: "an empty identity",
    options: { ...both, verifyIdentity: "" },
    message: /^--verify-identity is empty/,
    hint: /REGEX/,
  },
  {
    name: "an empty issuer",
    options: { ...both, verifyIssuer: "" },
    message: /^--verify-issuer is empty/,
    hint: /REGEX/,
  },
  {
    name: "an invalid regular expression",
    options: { ...both, verifyIdentity: "/(/" },
    message: /^--verify-identity \/\(\/ is not a valid regular expression/,
    hint: /JavaScript/,
  },
  {
    name: "a regular expression with flags",
    options: { ...both, verifyIssuer: "/github/i" },
    message: /^--verify-issuer \/github\/i begins like a regular expression/,
    hint: /without flags/,
  },
  {
    name: "a missing file of the trusted root",
    options: { ...both, trustedRoot: "missing.json" },
    message: /^The trusted root missing\.json cannot be read \(ENOENT\)/,
    hint: /path/,
    code: "TRUSTED_ROOT_INVALID",
  },
];

describe("options about signatures are refused:", () => {
  for (const { name, options, message, hint, code = "USAGE_INVALID" } of mistakes) {
    it(name, async () => {
      await assert.rejects(readSignatureRequirement(options), (error: NetbootError) => {
        assert.equal(error.code, code);
        assert.equal(error.exitStatus, 2);
        assert.match(error.message, message);
        assert.match(error.hint, hint);
        return true;
      });
    });
  }
});

const mediaType = "application/vnd.dev.sigstore.trustedroot+json;version=0.1";
const junk = { certChain: { certificates: [{ rawBytes: "AAAA" }] } };
const invalidRoots: Readonly<Record<string, readonly [contents: string, message: RegExp]>> = {
  "not JSON": ["-----BEGIN CERTIFICATE-----\n", /is not a trusted root in JSON/],
  "JSON, but not an object": ["null", /is not a trusted root in JSON/],
  "of another media type": [
    JSON.stringify({ mediaType: "application/vnd.dev.sigstore.signingconfig.v0.2+json" }),
    /is JSON, but not a trusted root/,
  ],
  "without authorities": [JSON.stringify({ mediaType }), /names no certificate authority/],
  "with a malformed certificate": [
    JSON.stringify({ mediaType, certificateAuthorities: [junk] }),
    /contains an invalid certificate/,
  ],
};

describe("--trusted-root refuses a file that is", () => {
  for (const [name, [contents, message]] of Object.entries(invalidRoots)) {
    it(name, async () => {
      const trustedRoot = join(await temporaryDirectory(), "trusted_root.json");
      await writeFile(trustedRoot, contents);
      const required = await readSignatureRequirement({ ...both, trustedRoot });
      assert.ok(required);
      const opened = openVerifier(required, { cacheDirectory: undefined });
      await assert.rejects(opened, (error: NetbootError) => {
        assert.equal(error.code, "TRUSTED_ROOT_INVALID");
        assert.match(error.message, message);
        assert.ok(error.message.includes(trustedRoot));
        return true;
      });
    });
  }

  it("larger than a trusted root can be", async () => {
    const trustedRoot = join(await temporaryDirectory(), "trusted_root.json");
    await writeFile(trustedRoot, " ".repeat(1024 * 1024 + 1));
    await assert.rejects(readSignatureRequirement({ ...both, trustedRoot }), {
      code: "TRUSTED_ROOT_INVALID",
    });
  });
});
