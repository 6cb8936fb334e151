import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { promisify } from "node:util";
import { extract } from "../../src/extract/index.js";
import { runCommand } from "../extract/support/run-command.js";
import { demoImage } from "../extract/support/run-netboot.js";
import { sharedDirectory, temporaryDirectory } from "../extract/support/temporary-directory.js";
import { startRegistry } from "../oci-client/support/docker-registry.js";
import { serve } from "../oci-client/support/local-server.js";
import { suiteScope } from "../support/suite-scope.js";
import { assertRefusal } from "./support/refusal.js";

const run = promisify(execFile);
const demoDigest = "sha256:017d09fbbfee32e03957e0e71119c7a1304d7a5dbff7d6532de2933925107043";
const platform = "--platform=linux/amd64";

/** Debian's docker-registry with the demo image, as skopeo pushed it. All tests only read from it. */
let real: string;
const suite = suiteScope();
before(async () => {
  real = await startRegistry(suite, await sharedDirectory());
  const words = ["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"];
  await run("skopeo", [...words, `${demoImage}:latest`, `docker://${real}/os/demo:v1`]);
});

type Fault = (request: IncomingMessage, response: ServerResponse) => void;

const isLayer = ({ url }: IncomingMessage, bytes: Buffer) =>
  url!.includes("/blobs/") && bytes[0] !== "{".charCodeAt(0);

/** Passes on the answers of the real registry after a change. */
function passing(
  change: (bytes: Buffer, request: IncomingMessage, response: ServerResponse) => Buffer | undefined,
): Fault {
  return async (request, response) => {
    const { accept = "*/*" } = request.headers;
    const answer = await fetch(`http://${real}${request.url}`, { headers: { accept } });
    const bytes = change(Buffer.from(await answer.arrayBuffer()), request, response);
    if (bytes === undefined) return;
    const type = answer.headers.get("content-type") ?? "";
    response.writeHead(answer.status, { "content-type": type }).end(bytes);
  };
}

const status =
  (code: number): Fault =>
  (_request, response) => {
    response.writeHead(code).end();
  };

const faults: [name: string, fault: Fault, words: RegExp][] = [
  ["refuses all (401)", status(401), /Skipping the mirror .*: .*without credentials/],
  ["refuses all (403)", status(403), /Skipping the mirror .*: .*without credentials/],
  ["has nothing (404)", status(404), /Skipping the mirror .*: .*no tag/],
  ["fails with 500", status(500), /Skipping the mirror .*: .*500/],
  ["fails with 503", status(503), /Skipping the mirror .*: .*503/],
  [
    "closes each connection",
    (request) => request.socket.destroy(),
    /Skipping the mirror .*: .*closed the connection early/,
  ],
  [
    "redirects in circles",
    (_request, response) => {
      response.writeHead(302, { location: "/" }).end();
    },
    /Skipping the mirror .*: .*too often/,
  ],
  [
    "answers with a web page",
    (_request, response) => {
      response.end("<html>Log in to the Wi-Fi</html>");
    },
    /Skipping the mirror/,
  ],
  [
    "has the manifest only",
    passing((bytes, { url }, response) => {
      if (url!.includes("/manifests/")) return bytes;
      response.writeHead(404).end();
      return undefined;
    }),
    /Skipping the mirror .*: .*no blob/,
  ],
  [
    "closes the connection in the middle of each layer",
    passing((bytes, request, response) => {
      if (!isLayer(request, bytes)) return bytes;
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, bytes.length / 2), () => request.socket.destroy());
      return undefined;
    }),
    /Skipping the mirror .*: .*closed the connection early/,
  ],
  [
    "ends each layer too early",
    passing((bytes, request) =>
      isLayer(request, bytes) ? bytes.subarray(0, bytes.length - 20) : bytes,
    ),
    /Skipping the mirror .*: it ended after/,
  ],
  [
    "sends layers with wrong bytes",
    passing((bytes, request) => (isLayer(request, bytes) ? Buffer.alloc(bytes.length, 7) : bytes)),
    /sent bytes that do not match.*Fetching it again/,
  ],
  [
    "sends layers that differ in the last byte",
    passing((bytes, request) => {
      if (!isLayer(request, bytes)) return bytes;
      bytes[bytes.length - 1]! ^= 1;
      return bytes;
    }),
    /sent bytes that do not match.*Fetching it again/,
  ],
  [
    "sends another configuration",
    passing((bytes, { url }) =>
      url!.includes("/blobs/") && bytes[0] === 123 ? Buffer.alloc(bytes.length, 32) : bytes,
    ),
    /Skipping the mirror .*: .*a different digest/,
  ],
];

/** Extracts in this process. */
async function extractHere(image: string, mirrors: readonly string[]) {
  const messages: string[] = [];
  const cwd = await temporaryDirectory();
  const { description } = await extract({
    image,
    output: join(cwd, "out"),
    platform: "amd64",
    cacheDir: join(cwd, "cache"),
    registry: { mirrors },
    onEvent: (event) => {
      if (event.type === "message") messages.push(event.text);
    },
  });
  return { messages: messages.join("\n"), source: description.source };
}

/** Extracts with the program. */
async function runExtract(image: string, options: readonly string[], env = {}) {
  const cwd = await temporaryDirectory();
  const args = ["extract", image, "-o", "out", platform, "--verbose", ...options];
  const outcome = await runCommand(args, { cwd, env });
  const description = await readFile(join(cwd, "out/netboot.json"), "utf8").catch(() => "{}");
  return { ...outcome, source: JSON.parse(description).source, cwd };
}

describe("a mirror", () => {
  it("is used before the registry, which need not exist", async () => {
    const image = "registry.invalid/os/demo:v1";
    const { status, stderr, source } = await runExtract(image, [
      `--mirror=registry.invalid=${real}`,
    ]);
    assert.equal(status, 0, stderr);
    assert.match(stderr, new RegExp(`Pulling from the mirror, ${real}/os/demo:v1`));
    assert.equal(source.reference, image, "the name is the requested one");
    assert.equal(source.manifestDigest, demoDigest);
  });

  it("can have the images in another namespace", async () => {
    const option = `--mirror=registry.invalid/kairos=${real}/os`;
    const { status, stderr } = await runExtract("registry.invalid/kairos/demo:v1", [option]);
    assert.equal(status, 0, stderr);
  });

  for (const [name, fault, words] of faults) {
    it(`that ${name} is skipped`, async (t) => {
      const mirror = await serve(t, fault);
      const { messages, source } = await extractHere(`${real}/os/demo:v1`, [
        `${real}=${mirror.host}`,
      ]);
      assert.match(messages, words);
      assert.ok(mirror.requests.length > 0);
      assert.equal(source.manifestDigest, demoDigest);
    });
  }

  it("that cannot be reached is skipped for the next one, in order", async (t) => {
    const [first, second] = [await serve(t, status(500)), await serve(t, status(404))];
    const option = (host: string) => `--mirror=registry.invalid=${host}`;
    const hosts = ["127.0.0.1:1", first.host, second.host, real];
    const { status: code, stderr } = await runExtract(
      "registry.invalid/os/demo:v1",
      hosts.map(option),
    );
    assert.equal(code, 0, stderr);
    const told = [...stderr.matchAll(/(?:mirror|from the mirror,) (127[\d.:]+)\//g)].map(
      ([, host]) => host,
    );
    assert.deepEqual([...new Set(told)], hosts);
  });

  it("that sends wrong bytes leaves none of them in the cache if no other source has the image", async (t) => {
    const wrong = faults.find(([name]) => name.includes("last byte"))![1];
    const mirror = await serve(t, wrong);
    const {
      status: code,
      stderr,
      cwd,
    } = await runExtract("registry.invalid/os/demo:v1", [
      `--mirror=registry.invalid=${mirror.host}`,
    ]);
    assert.equal(code, 3, stderr);
    assert.match(stderr, /registry\.invalid could not be found/);
    const good = [`--mirror=registry.invalid=${real}`, "--cache-dir", join(cwd, ".cache")];
    assert.equal((await runExtract("registry.invalid/os/demo:v1", good)).status, 0);
  });

  it("is not mentioned without --verbose", async () => {
    const cwd = await temporaryDirectory();
    const words = ["extract", "registry.invalid/os/demo:v1", "-o", "out", platform];
    const options = ["--mirror=registry.invalid=127.0.0.1:1", `--mirror=registry.invalid=${real}`];
    const { status: code, stderr } = await runCommand([...words, ...options], { cwd });
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /mirror/);
  });
});

describe("credentials", () => {
  it("go only to the registry that they belong to, and to no mirror", async (t) => {
    const sent = new Map<string, Set<string | undefined>>();
    const asking: (name: string, user?: string) => Fault = (name, user) => {
      const pass = passing((bytes) => bytes);
      return (request, response) => {
        const { authorization } = request.headers;
        sent.set(name, (sent.get(name) ?? new Set()).add(authorization));
        const expected = user && `Basic ${Buffer.from(`${user}:pw-of-${user}`).toString("base64")}`;
        if (expected !== undefined && authorization === expected) return pass(request, response);
        response.setHeader("www-authenticate", 'Basic realm="x"');
        response.writeHead(401).end();
      };
    };
    const stranger = await serve(t, asking("stranger"));
    const friend = await serve(t, asking("friend", "friend"));
    const primary = await serve(t, asking("primary", "primary"));
    const cwd = await temporaryDirectory();
    const entry = (user: string) => ({
      auth: Buffer.from(`${user}:pw-of-${user}`).toString("base64"),
    });
    const auths = { [friend.host]: entry("friend"), [primary.host]: entry("primary") };
    await writeFile(join(cwd, "auth.json"), JSON.stringify({ auths }));
    const args = ["extract", `${primary.host}/os/demo:v1`, "-o", "out", platform, "--verbose"];
    const mirrors = [stranger, friend].map(({ host }) => `--mirror=${primary.host}=${host}`);
    const outcome = await runCommand([...args, ...mirrors, "--authfile=auth.json"], { cwd });
    assert.equal(outcome.status, 0, outcome.stderr);
    assert.deepEqual([...sent.get("stranger")!], [undefined]);
    assert.deepEqual([...sent.get("friend")!], [undefined, `Basic ${entry("friend").auth}`]);
    assert.equal(sent.get("primary"), undefined, "the friend has everything");
  });
});

describe("a registries.conf that skopeo reads too", () => {
  const confs: [name: string, conf: (hosts: string[]) => string, image: string][] = [
    [
      "mirrors in order, the first without the image",
      ([a, b, c]) =>
        table("first.example", a!, [
          [b!, ""],
          [c!, ""],
        ]),
      "first.example/os/demo:v1",
    ],
    [
      "a longer prefix with another mirror",
      ([a, b, c]) =>
        table("first.example", a!, [[b!, ""]]) +
        table("first.example/os", `${a}/os`, [[`${c}/os`, ""]]),
      "first.example/os/demo:v1",
    ],
    [
      "a wildcard",
      ([a, b, c]) => table("*.example", a!, [[b!, ""]]) + table("*.first.example", c!, []),
      "deep.first.example/os/demo:v1",
    ],
    [
      "mirrors for digests only, and a tag",
      ([, b, c]) => table("first.example", c!, [[b!, "digest-only"]]),
      "first.example/os/demo:v1",
    ],
    [
      "mirrors for digests and for tags, and a digest",
      ([a, b, c]) =>
        table("first.example", a!, [
          [b!, "tag-only"],
          [c!, "digest-only"],
        ]),
      `first.example/os/demo@${demoDigest}`,
    ],
  ];
  for (const [name, conf, image] of confs) {
    it(`makes both ask the same registries: ${name}`, async (t) => {
      const asked: string[] = [];
      const watching = (label: string, fault: Fault) =>
        serve(t, (request, response) => {
          if (asked.at(-1) !== label) asked.push(label);
          // Both ask for this first, to find out whether it is a registry.
          if (request.url === "/v2/") response.end("{}");
          else fault(request, response);
        });
      const servers = [
        await watching("a", status(404)),
        await watching("b", status(404)),
        await watching(
          "c",
          passing((bytes) => bytes),
        ),
      ];
      const cwd = await temporaryDirectory();
      const file = join(cwd, "registries.conf");
      await writeFile(file, conf(servers.map(({ host }) => host)));

      const inspect = ["--registries-conf", file, "--insecure-policy", "inspect", "--raw"];
      await run("skopeo", [...inspect, `docker://${image}`]);
      const bySkopeo = asked.splice(0);
      const env = { CONTAINERS_REGISTRIES_CONF: file };
      const { status: code, stderr, source } = await runExtract(image, [], env);
      assert.equal(code, 0, stderr);
      assert.deepEqual(asked, bySkopeo);
      assert.ok(asked.length > 0);
      assert.equal(source.reference, image);
    });
  }

  it("can block a registry, even for images in the cache", async () => {
    const image = `${real}/os/demo@${demoDigest}`;
    const cwd = await temporaryDirectory();
    const args = ["extract", image, "-o", "out", platform];
    assert.equal((await runCommand(args, { cwd })).status, 0);
    const file = join(cwd, "registries.conf");
    await writeFile(file, `[[registry]]\nlocation = "${real}"\nblocked = true\n`);
    await assert.rejects(
      run("skopeo", [
        "--registries-conf",
        file,
        "--insecure-policy",
        "inspect",
        `docker://${image}`,
      ]),
      /blocked/,
    );
    const env = { CONTAINERS_REGISTRIES_CONF: file };
    const outcome = await runCommand([...args, "--force"], { cwd, env });
    assertRefusal(outcome, { status: 3, message: /registries\.conf blocks/, hint: /registry/ });
  });
});

/** A `[[registry]]` table. All registries here speak plain HTTP, and thus are insecure. */
function table(prefix: string, location: string, mirrors: [location: string, pulls: string][]) {
  const lines = mirrors.map(
    ([place, pulls]) =>
      `[[registry.mirror]]\nlocation = "${place}"\ninsecure = true\n${pulls && `pull-from-mirror = "${pulls}"\n`}`,
  );
  return `[[registry]]\nprefix = "${prefix}"\nlocation = "${location}"\ninsecure = true\n${lines.join("")}`;
}
