import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { runCommand } from "../extract/support/run-command.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { startRegistry } from "../oci-client/support/docker-registry.js";
import { ImageContent } from "../oci-client/support/image-content.js";
import { addDemo, push } from "../signatures/support/signed-images.js";
import { find, verify } from "./support/extracted-release.js";

/** A directory that was made from a registry, and the means to change that registry. */
async function extracted(t: TestContext) {
  const cwd = await temporaryDirectory();
  const registry = await startRegistry(t, cwd);
  const repository = `http://${registry}/v2/kairos/demo`;
  const content = new ImageContent();
  const root = addDemo(content);
  await push(repository, content, { v1: root });
  const image = `${registry}/kairos/demo:v1`;
  const args = ["extract", image, "-o", "out", "--platform", "linux/amd64", "-q"];
  const { status, stderr } = await runCommand(args, { cwd });
  assert.equal(status, 0, stderr);
  return { directory: join(cwd, "out"), image, root, content, repository };
}

describe("verify --source", () => {
  it("passes if the tag still names the image", async (t) => {
    const { directory, root } = await extracted(t);
    const { status, checks } = await verify(directory, "--source");
    assert.equal(status, 0);
    assert.ok(find(checks, "source").what.endsWith(`is still ${root.digest}`));
  });

  it("fails if the tag names another image now", async (t) => {
    const { directory, root, content, repository } = await extracted(t);
    const moved = content.manifest({ ...content.json(root), annotations: { again: "yes" } });
    await push(repository, content, { v1: moved });
    const { status, checks, error } = await verify(directory, "--source");
    assert.equal(status, 1);
    assert.equal(error?.code, "CHECK_FAILED");
    const { status: found, what } = find(checks, "source");
    assert.equal(found, "failed");
    assert.ok(what.includes(`is now ${moved.digest},`) && what.endsWith(root.digest), what);
  });

  it("fails if the image is gone, and checks the rest", async (t) => {
    const { directory } = await extracted(t);
    await rm(join(directory, "../registry"), { recursive: true });
    const { status, checks } = await verify(directory, "--source");
    assert.equal(status, 1);
    assert.match(find(checks, "source").what, /cannot be resolved: There is no /);
    assert.equal(find(checks, "squashfs").status, "ok");
  });

  it("fails if netboot.json names an invalid platform", async (t) => {
    const { directory } = await extracted(t);
    const path = join(directory, "netboot.json");
    const description = JSON.parse(await readFile(path, "utf8"));
    description.source.platform = "a b";
    await writeFile(path, JSON.stringify(description));
    const { status, checks, error } = await verify(directory, "--source");
    assert.equal(status, 1);
    assert.equal(error?.code, "CHECK_FAILED");
    assert.match(find(checks, "source").what, /cannot be resolved: "a b" is not a platform/);
  });

  it("does not ask the registry without the option", async (t) => {
    const { directory } = await extracted(t);
    const { checks } = await verify(directory);
    assert.ok(!checks.some(({ check }) => check === "source"));
  });
});
