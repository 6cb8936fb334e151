import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { extract } from "../../src/extract/index.js";
import { NetbootError } from "../../src/support/index.js";
import { succeed } from "../extract/support/run-netboot.js";
import { sharedDirectory, temporaryDirectory } from "../extract/support/temporary-directory.js";
import { startRegistry } from "../oci-client/support/docker-registry.js";
import { ImageContent, type Pointer } from "../oci-client/support/image-content.js";
import { suiteScope } from "../support/suite-scope.js";
import { fakeRegistry } from "./support/fake-registry.js";
import {
  addBundle,
  addDemo,
  addSignatures,
  fixture,
  fixtures,
  push,
  referrersList,
  type Signed,
  writeLayout,
} from "./support/signed-images.js";

interface Case {
  readonly name: string;
  readonly signed?: readonly Signed[];
  readonly bundles?: readonly string[];
  /** The default is `p256`. */
  readonly key?: string;
  /** The code of the error. The default is to accept the image. */
  readonly refusal?: string;
}

const changed = Buffer.from(
  fixture("demo.json").toString().replace("registry.example", "registry.exampla"),
);

const cases: readonly Case[] = [
  { name: "a signature of the key", signed: [["demo.json", "demo.p256.sig"]] },
  { name: "an RSA signature", signed: [["demo.json", "demo.rsa.sig"]], key: "rsa" },
  { name: "an Ed25519 signature", signed: [["demo.json", "demo.ed25519.sig"]], key: "ed25519" },
  { name: "a P-384 signature of SHA-256", signed: [["demo.json", "demo.p384.sig"]], key: "p384" },
  {
    name: "a P-384 signature of SHA-384",
    signed: [["demo.json", "demo.p384-sha384.sig"]],
    key: "p384",
  },
  {
    name: "two signatures, the second with the key",
    signed: [
      ["demo.json", "demo.other.sig"],
      ["demo.json", "demo.p256.sig"],
    ],
  },
  { name: "a bundle with a signed statement", bundles: ["bundle.p256.json"] },
  { name: "a bundle with a signature of the manifest", bundles: ["message-bundle.p256.json"] },
  {
    name: "an attestation next to a signature",
    bundles: ["bundle-of-attestation.p256.json", "bundle.p256.json"],
  },
  { name: "no signature", refusal: "SIGNATURE_MISSING" },
  {
    name: "a signature of another key",
    signed: [["demo.json", "demo.other.sig"]],
    refusal: "SIGNATURE_INVALID",
  },
  {
    name: "a signature of a key of another type",
    signed: [["demo.json", "demo.p256.sig"]],
    key: "rsa",
    refusal: "SIGNATURE_INVALID",
  },
  {
    name: "the key's signature of another image",
    signed: [["another-image.json", "another-image.p256.sig"]],
    refusal: "SIGNATURE_INVALID",
  },
  {
    name: "a modified payload",
    signed: [[changed, "demo.p256.sig"]],
    refusal: "SIGNATURE_INVALID",
  },
  {
    name: "the key's signature of something other than an image signature",
    signed: [["no-signature.json", "no-signature.p256.sig"]],
    refusal: "SIGNATURE_INVALID",
  },
  {
    name: "a signature that is not Base64",
    signed: [["demo.json", Buffer.from("%%%")]],
    refusal: "SIGNATURE_INVALID",
  },
  { name: "a bundle of another key", bundles: ["bundle.other.json"], refusal: "SIGNATURE_INVALID" },
  {
    name: "a bundle about another image",
    bundles: ["bundle-of-another-image.p256.json"],
    refusal: "SIGNATURE_INVALID",
  },
  {
    name: "an attestation instead of a signature",
    bundles: ["bundle-of-attestation.p256.json"],
    refusal: "SIGNATURE_INVALID",
  },
  { name: "an invalid bundle", bundles: ["demo.json"], refusal: "SIGNATURE_INVALID" },
];

/** The image and its attachments, with cosign's tags. */
function contentOf({ signed, bundles }: Case) {
  const content = new ImageContent();
  const root = addDemo(content);
  const tags: Record<string, Pointer> = { v1: root };
  const tag = root.digest.replace(":", "-");
  if (signed !== undefined) tags[`${tag}.sig`] = addSignatures(content, signed);
  const referrers = (bundles ?? []).map((name) => addBundle(content, root, name));
  if (referrers.length > 0) tags[tag] = referrersList(content, referrers);
  return { content, root, tags, referrers };
}

const keyOf = ({ key = "p256" }: Case) => join(fixtures, `${key}.pub`);

async function attempt(image: string, verifyKey: string) {
  const directory = await temporaryDirectory();
  const output = join(directory, "out");
  const cacheDirectory = join(directory, "cache");
  const outcome = await extract({
    image,
    output,
    platform: "amd64",
    verifyKey,
    cacheDir: cacheDirectory,
  }).then(
    () => undefined,
    (error: unknown) => {
      assert.ok(error instanceof NetbootError, String(error));
      return error;
    },
  );
  const made = await readdir(directory);
  return { error: outcome, isMade: made.includes("out"), output };
}

async function expect(image: string, one: Case) {
  const { error, isMade } = await attempt(image, keyOf(one));
  assert.equal(error?.code, one.refusal, error?.message);
  assert.equal(isMade, one.refusal === undefined);
  if (error !== undefined) assert.equal(error.exitStatus, 4);
}

/** Debian's registry; each test pushes to a repository of its own. */
let registry: string;
let repositories = 0;
const suite = suiteScope();
before(async () => {
  registry = await startRegistry(suite, await sharedDirectory());
});

/** Pushes content, and returns the reference of its tag v1. */
async function pushed(content: ImageContent, tags: Readonly<Record<string, Pointer>>) {
  repositories += 1;
  const repository = `kairos/demo-${repositories}`;
  await push(`http://${registry}/v2/${repository}`, content, tags);
  return `${registry}/${repository}:v1`;
}

describe("--verify-key, with Debian's registry", () => {
  for (const one of cases) {
    it(`${one.refusal === undefined ? "accepts" : "refuses"} ${one.name}`, async () => {
      const { content, tags } = contentOf(one);
      await expect(await pushed(content, tags), one);
    });
  }
});

describe("--verify-key, with a registry that lists referrers", () => {
  for (const one of cases.filter(({ bundles }) => bundles !== undefined)) {
    it(`${one.refusal === undefined ? "accepts" : "refuses"} ${one.name}`, async (t) => {
      const { content, tags, root, referrers } = contentOf(one);
      const { v1 } = tags;
      const list = { [root.digest]: referrersList(content, referrers) };
      const { host } = await fakeRegistry(t, content, { v1: v1! }, list);
      await expect(`${host}/kairos/demo:v1`, one);
    });
  }

  it("requests only manifests and signatures before it refuses", async (t) => {
    const one = { name: "", signed: [["demo.json", "demo.other.sig"]] as const };
    const { content, tags, root } = contentOf(one);
    const { host, asked } = await fakeRegistry(t, content, tags, {});
    const { error } = await attempt(`${host}/kairos/demo:v1`, keyOf(one));
    assert.equal(error?.code, "SIGNATURE_INVALID");
    const manifest = content.json(root);
    for (const { digest } of [manifest.config, ...manifest.layers]) {
      assert.ok(!asked().some((path) => path.includes(digest)), `${digest} was fetched`);
    }
  });
});

describe("--verify-key, with images for several platforms", () => {
  it("accepts a signature of the index with the image", async () => {
    await withIndex("index", undefined);
  });

  it("accepts a signature of the platform's manifest in an index", async () => {
    await withIndex("manifest", undefined);
  });

  it("refuses a replaced index with the signature of the original one", async () => {
    await withIndex("another index", "SIGNATURE_INVALID");
  });
});

/** Signs with openssl and a new key. */
async function withIndex(what: string, refusal: string | undefined) {
  const directory = await temporaryDirectory();
  const key = join(directory, "key.pem");
  await succeed("openssl", [
    "genpkey",
    "-algorithm",
    "EC",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-out",
    key,
  ]);
  await succeed("openssl", ["pkey", "-in", key, "-pubout", "-out", `${key}.pub`]);
  const content = new ImageContent();
  const root = addDemo(content);
  const platform = { os: "linux", architecture: "amd64" };
  const index = content.index([{ ...root, platform }]);
  const another = content.index([{ ...root, platform, annotations: { a: "b" } }]);
  const signed = { index, manifest: root, "another index": another }[what]!;
  const payload = fixture("demo.json").toString().replace(root.digest, signed.digest);
  await writeFile(join(directory, "payload"), payload);
  const made = join(directory, "signature");
  await succeed("openssl", [
    "dgst",
    "-sha256",
    "-sign",
    key,
    "-out",
    made,
    join(directory, "payload"),
  ]);
  const signature = Buffer.from((await readFile(made)).toString("base64"));
  const at = what === "manifest" ? root : index;
  const tags = {
    v1: index,
    [`${at.digest.replace(":", "-")}.sig`]: addSignatures(content, [
      [Buffer.from(payload), signature],
    ]),
  };
  const { error } = await attempt(await pushed(content, tags), `${key}.pub`);
  assert.equal(error?.code, refusal, error?.message);
}

describe("--verify-key, with an OCI layout", () => {
  const marks = {
    "as cosign save marks signatures": (pointer: Pointer) => ({
      ...pointer,
      annotations: { kind: "dev.cosignproject.cosign/sigs" },
    }),
    "with the tag as in a registry": (pointer: Pointer, root: Pointer) => ({
      ...pointer,
      annotations: { "org.opencontainers.image.ref.name": `${root.digest.replace(":", "-")}.sig` },
    }),
  };
  for (const [how, mark] of Object.entries(marks)) {
    for (const one of cases.filter(({ bundles }) => bundles === undefined)) {
      it(`${one.refusal === undefined ? "accepts" : "refuses"} ${one.name}, ${how}`, async () => {
        const { content, root, tags } = contentOf(one);
        const signatures = Object.entries(tags).find(([tag]) => tag.endsWith(".sig"))?.[1];
        const beside = signatures === undefined ? [] : [mark(signatures, root)];
        await expect(`oci:${await writeLayout(content, [root, ...beside])}`, one);
      });
    }
  }

  it("accepts a bundle next to the image", async () => {
    const content = new ImageContent();
    const root = addDemo(content);
    const bundle = addBundle(content, root, "bundle.p256.json");
    const image = `oci:${await writeLayout(content, [root, bundle])}`;
    await expect(image, { name: "" });
    await expect(image, { name: "", key: "other", refusal: "SIGNATURE_INVALID" });
  });
});
