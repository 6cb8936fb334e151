import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { type ExtractResult, extract } from "../../../src/extract/index.js";
import { NetbootError } from "../../../src/support/index.js";
import { demoImage } from "../../extract/support/run-netboot.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { demoAs, extracted, filesIn } from "../support/copies.js";

// test/e2e/sources.test.ts asks a real daemon, podman's. These daemons do what that one does not.

const id = `sha256:${"ab".repeat(32)}`;

describe("docker-daemon:", () => {
  it("exports the image by its ID, with the same result as from a layout", async (t) => {
    const archive = (await demoAs("docker-archive", ":demo:v1")).slice("docker-archive:".length);
    const asked: string[] = [];
    const host = await daemon(t, (request, response) => {
      asked.push(request.url!);
      if (request.url!.endsWith("/json")) response.end(JSON.stringify({ Id: id }));
      else createReadStream(archive).pipe(response);
    });
    const { paths } = await run("quay.io/kairos/demo", host);
    const files = await filesIn([paths.kernel, paths.initrd, paths.squashfs]);
    assert.deepEqual(files, (await extracted(demoImage)).files);
    const name = "/images/quay.io/kairos/demo:latest/json";
    assert.deepEqual(asked, [name, `/images/${id}/get`]);
  });

  const failures: [name: string, answer: RequestListener, code: string, message: RegExp][] = [
    [
      "does not have the image",
      (_, response) => refuse(response, 404, "No such image: os:latest"),
      "IMAGE_NOT_FOUND",
      /has no image os:latest \(No such image: os:latest\)/,
    ],
    [
      "reports a failure",
      (_, response) => refuse(response, 500, "disk on fire"),
      "DAEMON_ERROR",
      /disk on fire/,
    ],
    [
      "sends something other than JSON",
      (_, response) => response.end("<html>"),
      "DAEMON_ERROR",
      /ID/,
    ],
    [
      "sends an invalid ID",
      (_, response) => response.end('{"Id":"../../containers/json"}'),
      "DAEMON_ERROR",
      /ID/,
    ],
    [
      "closes the connection",
      (request) => request.socket.destroy(),
      "DAEMON_ERROR",
      /did not answer/,
    ],
    [
      "closes the connection in the middle of the archive",
      ({ url, socket }, response) => {
        if (url!.endsWith("/json")) response.end(JSON.stringify({ Id: id }));
        else response.write(Buffer.alloc(100_000), () => socket.destroy());
      },
      "DAEMON_ERROR",
      /closed the connection/,
    ],
    [
      "sends something other than an archive",
      ({ url }, response) => {
        response.end(url!.endsWith("/json") ? JSON.stringify({ Id: id }) : "hello ".repeat(1000));
      },
      "LAYOUT_INVALID",
      /of the image os:latest is neither a tar/,
    ],
  ];
  for (const [name, answer, code, message] of failures) {
    it(`fails if the daemon ${name}`, async (t) => {
      await assert.rejects(run("os", await daemon(t, answer)), isError(code, message));
    });
  }

  it("fails with the sockets that were tried if no daemon answers", async () => {
    await assert.rejects(
      run("os", "unix:///nowhere.sock"),
      isError("DAEMON_UNREACHABLE", /\/nowhere\.sock \(ENOENT\)/),
    );
  });

  it("fails if DOCKER_HOST is not a socket, without printing the password in it", async () => {
    await assert.rejects(
      run("os", "ssh://user:secret@far.example"),
      isError("DAEMON_UNREACHABLE", /ssh:\/\/far\.example/),
    );
  });
});

/** Starts a server on a Unix socket that answers /_ping by itself, and returns its DOCKER_HOST. */
async function daemon(t: TestContext, answer: RequestListener): Promise<string> {
  const path = join(await temporaryDirectory(), "docker.sock");
  const server = createServer((request, response) => {
    if (request.url === "/_ping") response.end("OK");
    else answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `unix://${path}`;
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ message }));
}

/** Extracts in this process; afterwards, only the result is there. */
async function run(image: string, host: string) {
  const cwd = await temporaryDirectory();
  process.env.DOCKER_HOST = host;
  const result = await extract({
    image: `docker-daemon:${image}`,
    output: join(cwd, "out"),
    platform: "amd64",
    cache: false,
  }).catch((error: unknown) => error);
  assert.deepEqual(await readdir(cwd), result instanceof Error ? [] : ["out"]);
  if (result instanceof Error) throw result;
  return result as ExtractResult;
}

/** A check for `assert.rejects`. */
function isError(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof NetbootError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    assert.equal(error.exitStatus, 3);
    assert.doesNotMatch(`${error.message} ${error.hint}`, /secret/);
    return true;
  };
}
