import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import {
  type CredentialStore,
  loadCredentials,
  parsePlatform,
  parseReference,
  RegistryClient,
  verifyingStream,
} from "../../src/oci-client/index.js";
import { startRegistry } from "./support/docker-registry.js";
import { failsWith } from "./support/fails-with.js";
import { ImageContent } from "./support/image-content.js";

const run = promisify(execFile);
const amd64Platform = { os: "linux", architecture: "amd64" };
const arm64Platform = { os: "linux", architecture: "arm64" };

const missing = ["docker-registry", "skopeo", "htpasswd"].filter(
  (program) => spawnSync("which", [program]).status !== 0,
);
const skip = missing.length > 0 && `not installed: ${missing.join(", ")}`;

describe("against Debian's docker-registry, filled by skopeo", { skip }, () => {
  it("resolves each platform of an index and reads its layers", async (t) => {
    const directory = await temporaryDirectory(t);
    const registry = await startRegistry(t, directory);
    const { content, index, amd64, arm64 } = await push(directory, registry);
    const client = newClient(t);
    const ref = parseReference(`${registry}/os/image:v1`);

    for (const [platform, pushed] of [["amd64", amd64] as const, ["arm64", arm64] as const]) {
      const image = await client.resolve(ref, parsePlatform(platform));
      assert.equal(image.indexDigest, index.digest);
      assert.equal(image.digest, pushed.digest);
      for (const layer of image.manifest.layers) {
        const whole = await client.openBlob(ref, layer);
        const bytes = await buffer(verifyingStream(whole.body, layer));
        assert.deepEqual(bytes, content.bytes(layer));
        const rest = await client.openBlob(ref, layer, { offset: 5 });
        assert.equal(rest.offset, 5);
        assert.deepEqual(await buffer(rest.body), bytes.subarray(5));
      }
    }
  });

  it("reports what is missing", async (t) => {
    const directory = await temporaryDirectory(t);
    const registry = await startRegistry(t, directory);
    await push(directory, registry);
    const client = newClient(t);
    const ref = parseReference(`${registry}/os/image:v1`);
    const blob = { mediaType: "x", digest: `sha256:${"0".repeat(64)}`, size: 1 };

    await assert.rejects(
      client.resolve(ref, parsePlatform("riscv64")),
      failsWith("PLATFORM_NOT_FOUND", /linux\/amd64, linux\/arm64/),
    );
    await assert.rejects(
      client.manifest({ ...ref, tag: "gone" }),
      failsWith("IMAGE_NOT_FOUND", /no tag gone/),
    );
    await assert.rejects(client.openBlob(ref, blob), failsWith("BLOB_NOT_FOUND"));
  });

  it("uses the credentials that skopeo login wrote", async (t) => {
    const directory = await temporaryDirectory(t);
    const [passwords, authFile] = [join(directory, "htpasswd"), join(directory, "auth.json")];
    await run("htpasswd", ["-Bbc", passwords, "alice", "secret"]);
    const registry = await startRegistry(t, directory, passwords);
    const login = ["login", "--tls-verify=false", `--authfile=${authFile}`];
    await run("skopeo", [...login, "--username=alice", "--password=secret", registry]);
    const { amd64 } = await push(directory, registry, `--dest-authfile=${authFile}`);
    const ref = parseReference(`${registry}/os/image:v1`);

    const stored = loadCredentials({ env: {}, home: directory, authFile });
    assert.equal((await newClient(t, stored).resolve(ref, amd64Platform)).digest, amd64.digest);
    const wrong = { lookup: async () => ({ username: "alice", password: "wrong" }) };
    await assert.rejects(
      newClient(t, wrong).resolve(ref, amd64Platform),
      failsWith("REGISTRY_DENIED", /refused the credentials/),
    );
    await assert.rejects(
      newClient(t).resolve(ref, amd64Platform),
      failsWith("REGISTRY_DENIED", /without credentials/),
    );
  });
});

function newClient(t: TestContext, credentials?: CredentialStore): RegistryClient {
  const client = new RegistryClient({ credentials });
  t.after(() => client.close());
  return client;
}

async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "oci-client-"));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

/** Pushes an index of two platforms as `os/image:v1`. */
async function push(directory: string, registry: string, ...options: string[]) {
  const content = new ImageContent();
  const amd64 = content.image(amd64Platform, ["base", "amd64"]);
  const arm64 = content.image(arm64Platform, ["base", "arm64"]);
  const index = content.index([
    { ...amd64, platform: amd64Platform },
    { ...arm64, platform: arm64Platform },
  ]);
  const layout = join(directory, "layout");
  await content.writeLayout(layout, index, "v1");
  const copy = ["--insecure-policy", "copy", "--all", "--dest-tls-verify=false", ...options];
  await run("skopeo", [...copy, `oci:${layout}:v1`, `docker://${registry}/os/image:v1`]);
  return { content, index, amd64, arm64 };
}
