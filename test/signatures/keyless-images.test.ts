import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type ExtractOptions, extract } from "../../src/extract/index.js";
import { inspect } from "../../src/inspect/index.js";
import { NetbootError } from "../../src/support/index.js";
import { demoImage, runProgram } from "../extract/support/run-netboot.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { startRegistry } from "../oci-client/support/docker-registry.js";
import { ImageContent, type Pointer } from "../oci-client/support/image-content.js";
import { fakeRegistry } from "./support/fake-registry.js";
import {
  addStoredSignature,
  githubIssuer,
  kairosRepository,
  type Storage,
  storedSignature,
  trustedRootPath,
  workflow,
  workflowOptions,
} from "./support/keyless-signatures.js";
import {
  addBundle,
  addDemo,
  fixtures,
  push,
  referrersList,
  writeLayout,
} from "./support/signed-images.js";

const another = { ...workflowOptions, verifyIdentity: `${workflow}0` };

/** The demo image with a keyless signature, and the tags that a registry has for both. */
function signedDemo(storage: Storage) {
  const content = new ImageContent();
  const root = addDemo(content);
  const signature = addStoredSignature(content, root, storedSignature(storage));
  const tag = root.digest.replace(":", "-");
  const isTag = storage.startsWith("a tag");
  const tags: Record<string, Pointer> = {
    v1: root,
    ...(isTag
      ? { [`${tag}.sig`]: signature }
      : { [tag]: referrersList(content, [{ ...signature }]) }),
  };
  return { content, root, signature, tags };
}

/** Accepts the workflow and refuses another identity. */
async function assertVerified(image: string): Promise<void> {
  const cacheDir = await temporaryDirectory();
  const options = { image, platform: "amd64", cacheDir };
  const { signature, manifestDigest } = await inspect({ ...options, ...workflowOptions });
  const signer = {
    identity: workflow,
    issuer: githubIssuer,
    sourceRepository: kairosRepository,
  };
  assert.deepEqual(signature, { digest: manifestDigest, signer });
  await assert.rejects(inspect({ ...options, ...another }), { code: "SIGNATURE_INVALID" });
}

describe("--verify-identity", () => {
  for (const storage of ["a tag", "a bundle"] as const) {
    it(`verifies ${storage} in a registry without a referrers API`, async (t) => {
      const registry = await startRegistry(t, await temporaryDirectory());
      const { content, tags } = signedDemo(storage);
      await push(`http://${registry}/v2/kairos/demo`, content, tags);
      await assertVerified(`${registry}/kairos/demo:v1`);
    });

    it(`verifies ${storage} in an OCI layout`, async () => {
      const { content, root, signature } = signedDemo(storage);
      const mark =
        storage === "a tag" ? { annotations: { kind: "dev.cosignproject.cosign/sigs" } } : {};
      await assertVerified(`oci:${await writeLayout(content, [root, { ...signature, ...mark }])}`);
    });
  }

  it("verifies a bundle in a registry that lists referrers", async (t) => {
    const { content, root, signature, tags } = signedDemo("a bundle with an entry of Rekor 2");
    const list = { [root.digest]: referrersList(content, [signature]) };
    const { host } = await fakeRegistry(t, content, { v1: tags.v1! }, list);
    await assertVerified(`${host}/kairos/demo:v1`);
  });

  it("refuses an image without signatures, and fetches only its manifest", async (t) => {
    const { content, root, tags } = signedDemo("a tag");
    const { host, asked } = await fakeRegistry(t, content, { v1: tags.v1! }, {});
    const { error, directory } = await attempt({ image: `${host}/kairos/demo:v1` });
    assert.equal(error?.code, "SIGNATURE_MISSING");
    assert.deepEqual(await readdir(directory), []);
    const { config, layers } = content.json(root);
    for (const { digest } of [config, ...layers]) {
      assert.ok(!asked().some((path) => path.includes(digest)), `${digest} was fetched`);
    }
  });
});

describe("extract", () => {
  it("records the required identity, and says who signed", async () => {
    const { content, root, signature } = signedDemo("a bundle");
    const image = `oci:${await writeLayout(content, [root, signature])}`;
    const verifyIdentity = "/^https://github.com/kairos-io//";
    const { error, output, messages } = await attempt({
      image,
      verifyIdentity,
      verifySourceRepository: kairosRepository,
    });
    assert.equal(error, undefined);
    assert.ok(
      messages.includes(
        `The signature of ${root.digest} by ${workflow} (issuer ${githubIssuer}, for ${kairosRepository}) is valid.`,
      ),
    );
    const required = {
      key: null,
      identity: verifyIdentity,
      issuer: githubIssuer,
      sourceRepository: kairosRepository,
      trustedRoot: sha256(await readFile(trustedRootPath)),
    };
    assert.deepEqual((await json(output, "netboot.json")).options.signature, required);
    const { externalParameters } = (await json(output, "provenance.json")).predicate
      .buildDefinition;
    assert.deepEqual(externalParameters.options.signature, required);
  });

  it("records the required key", async () => {
    const content = new ImageContent();
    const root = addDemo(content);
    const bundle = addBundle(content, root, "bundle.p256.json");
    const image = `oci:${await writeLayout(content, [root, bundle])}`;
    const verifyKey = join(fixtures, "p256.pub");
    const none = { verifyIdentity: undefined, verifyIssuer: undefined, trustedRoot: undefined };
    const { error, output } = await attempt({ image, ...none, verifyKey });
    assert.equal(error, undefined);
    const base64 = (await readFile(verifyKey, "utf8")).replace(/-----.*-----|\n/g, "");
    assert.deepEqual((await json(output, "netboot.json")).options.signature, {
      key: sha256(Buffer.from(base64, "base64")),
      identity: null,
      issuer: null,
      sourceRepository: null,
      trustedRoot: null,
    });
  });

  it("warns about a pattern that also matches in the middle", async () => {
    const options = { image: demoImage, verifyIdentity: "/kairos-io/" };
    const { error, messages } = await attempt(options);
    assert.equal(error?.code, "SIGNATURE_MISSING");
    assert.ok(messages.some((text) => /^--verify-identity \/kairos-io\/ .* \^/.test(text)));
  });
});

describe("the command line", () => {
  it("verifies with the bundled program", async () => {
    const { content, root, signature } = signedDemo("a tag");
    const mark = { annotations: { kind: "dev.cosignproject.cosign/sigs" } };
    const image = `oci:${await writeLayout(content, [root, { ...signature, ...mark }])}`;
    const cwd = await temporaryDirectory();
    const options = ["--verify-identity", workflow, "--verify-issuer", githubIssuer];
    const args = ["inspect", image, ...options, "--trusted-root", trustedRootPath];
    const { status, stdout, stderr } = await runProgram([...args, "--platform", "amd64", "-q"], {
      cwd,
    });
    assert.equal(stderr, "");
    assert.equal(status, 0);
    assert.match(stdout, /^Signature +valid, by https:\/\/github\.com\/kairos-io\/.*, of sha256:/m);
  });
});

async function attempt(options: Partial<ExtractOptions> & { image: string }) {
  const directory = await temporaryDirectory();
  const output = join(directory, "out");
  const messages: string[] = [];
  const error = await extract({
    output,
    platform: "amd64",
    cacheDir: join(directory, "cache"),
    onEvent: (event) => {
      if (event.type === "message") messages.push(event.text);
    },
    ...workflowOptions,
    ...options,
  }).then(
    () => undefined,
    (error: unknown) => {
      assert.ok(error instanceof NetbootError, String(error));
      return error;
    },
  );
  return { error, directory, output, messages };
}

async function json(directory: string, name: string) {
  return JSON.parse(await readFile(join(directory, name), "utf8"));
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
