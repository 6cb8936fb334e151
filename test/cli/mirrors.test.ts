import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { demoImage, runProgram } from "../extract/support/program.js";
import { temporaryDirectory } from "../extract/support/temporary-directory.js";
import { startRegistry } from "../oci-client/support/docker-registry.js";
import { type LocalServer, serve } from "../oci-client/support/local-server.js";
import { assertRefusal } from "./support/refusal.js";

const run = promisify(execFile);
const demoDigest = "sha256:017d09fbbfee32e03957e0e71119c7a1304d7a5dbff7d6532de2933925107043";
const platform = "--platform=linux/amd64";

/** Debian's docker-registry with the demo image, as skopeo pushed it. */
async function demoRegistry(t: TestContext): Promise<string> {
  const host = await startRegistry(t, await temporaryDirectory());
  const words = ["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"];
  await run("skopeo", [...words, `${demoImage}:latest`, `docker://${host}/os/demo:v1`]);
  return host;
}

type Fault = (request: IncomingMessage, response: ServerResponse, real: string) => void;

const isLayer = ({ url }: IncomingMessage, bytes: Buffer) =>
  url!.includes("/blobs/") && bytes[0] !== "{".charCodeAt(0);

/** Passes on what the real registry answers, having had it through its hands. */
function passing(
  meddle: (bytes: Buffer, request: IncomingMessage, response: ServerResponse) => Buffer | undefined,
): Fault {
  return async (request, response, real) => {
    const { accept = "*/*" } = request.headers;
    const answer = await fetch(`http://${real}${request.url}`, { headers: { accept } });
    const bytes = meddle(Buffer.from(await answer.arrayBuffer()), request, response);
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
  ["refuses all (401)", status(401), /passed over: .*without credentials/],
  ["refuses all (403)", status(403), /passed over: .*without credentials/],
  ["has nothing (404)", status(404), /passed over: .*no tag/],
  ["is out of order (500)", status(500), /passed over: .*500/],
  ["is out of order (503)", status(503), /passed over: .*503/],
  [
    "breaks off each connection",
    (request) => request.socket.destroy(),
    /passed over: .*closed the connection early/,
  ],
  [
    "redirects in circles",
    (_request, response) => {
      response.writeHead(302, { location: "/" }).end();
    },
    /passed over: .*too often/,
  ],
  [
    "answers with a web page",
    (_request, response) => {
      response.end("<html>Log in to the Wi-Fi</html>");
    },
    /passed over/,
  ],
  [
    "has the manifest only",
    passing((bytes, { url }, response) => {
      if (url!.includes("/manifests/")) return bytes;
      response.writeHead(404).end();
      return undefined;
    }),
    /passed over: .*no blob/,
  ],
  [
    "breaks off in the middle of each layer",
    passing((bytes, request, response) => {
      if (!isLayer(request, bytes)) return bytes;
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, bytes.length / 2), () => request.socket.destroy());
      return undefined;
    }),
    /passed over: .*closed the connection early/,
  ],
  [
    "ends each layer too soon",
    passing((bytes, request) =>
      isLayer(request, bytes) ? bytes.subarray(0, bytes.length - 20) : bytes,
    ),
    /passed over: it ended after/,
  ],
  [
    "sends layers of other bytes",
    passing((bytes, request) => (isLayer(request, bytes) ? Buffer.alloc(bytes.length, 7) : bytes)),
    /sent other bytes.*fetched again/,
  ],
  [
    "sends layers that differ in the last byte",
    passing((bytes, request) => {
      if (!isLayer(request, bytes)) return bytes;
      bytes[bytes.length - 1]! ^= 1;
      return bytes;
    }),
    /sent other bytes.*fetched again/,
  ],
  [
    "sends another configuration",
    passing((bytes, { url }) =>
      url!.includes("/blobs/") && bytes[0] === 123 ? Buffer.alloc(bytes.length, 32) : bytes,
    ),
    /passed over: .*a different digest/,
  ],
];

function faulty(t: TestContext, real: string, fault: Fault): Promise<LocalServer> {
  const listener: RequestListener = (request, response) => fault(request, response, real);
  return serve(t, listener);
}

async function extract(image: string, options: readonly string[], env = {}) {
  const cwd = await temporaryDirectory();
  const args = ["extract", image, "-o", "out", platform, "--verbose", ...options];
  const outcome = await runProgram(args, { cwd, env });
  const description = await readFile(join(cwd, "out/netboot.json"), "utf8").catch(() => "{}");
  return { ...outcome, source: JSON.parse(description).source, cwd };
}

describe("a mirror", () => {
  it("is taken before the registry, which need not be there", async (t) => {
    const mirror = await demoRegistry(t);
    const image = "registry.invalid/os/demo:v1";
    const { status, stderr, source } = await extract(image, [
      `--mirror=registry.invalid=${mirror}`,
    ]);
    assert.equal(status, 0, stderr);
    assert.match(stderr, new RegExp(`Pulling from the mirror, ${mirror}/os/demo:v1`));
    assert.equal(source.reference, image, "the name is the one that was asked for");
    assert.equal(source.manifestDigest, demoDigest);
  });

  it("may hold the images in a namespace of its own", async (t) => {
    const mirror = await demoRegistry(t);
    const option = `--mirror=registry.invalid/kairos=${mirror}/os`;
    const { status, stderr } = await extract("registry.invalid/kairos/demo:v1", [option]);
    assert.equal(status, 0, stderr);
  });

  for (const [name, fault, words] of faults) {
    it(`that ${name} is passed over`, async (t) => {
      const real = await demoRegistry(t);
      const mirror = await faulty(t, real, fault);
      const { status, stderr, source } = await extract(`${real}/os/demo:v1`, [
        `--mirror=${real}=${mirror.host}`,
      ]);
      assert.equal(status, 0, stderr);
      assert.match(stderr, words);
      assert.ok(mirror.requests.length > 0);
      assert.equal(source.manifestDigest, demoDigest);
    });
  }

  it("that is not there is passed over for the next, in order", async (t) => {
    const real = await demoRegistry(t);
    const [first, second] = [
      await faulty(t, real, status(500)),
      await faulty(t, real, status(404)),
    ];
    const option = (host: string) => `--mirror=registry.invalid=${host}`;
    const hosts = ["127.0.0.1:1", first.host, second.host, real];
    const { status: code, stderr } = await extract(
      "registry.invalid/os/demo:v1",
      hosts.map(option),
    );
    assert.equal(code, 0, stderr);
    const told = [...stderr.matchAll(/(?:mirror|from the mirror,) (127[\d.:]+)\//g)].map(
      ([, host]) => host,
    );
    assert.deepEqual([...new Set(told)], hosts);
  });

  it("that sends wrong bytes leaves nothing of them where no other has the image", async (t) => {
    const real = await demoRegistry(t);
    const wrong = faults.find(([name]) => name.includes("last byte"))![1];
    const mirror = await faulty(t, real, wrong);
    const {
      status: code,
      stderr,
      cwd,
    } = await extract("registry.invalid/os/demo:v1", [`--mirror=registry.invalid=${mirror.host}`]);
    assert.equal(code, 3, stderr);
    assert.match(stderr, /registry\.invalid does not exist/);
    const good = [`--mirror=registry.invalid=${real}`, "--cache-dir", join(cwd, ".cache")];
    assert.equal((await extract("registry.invalid/os/demo:v1", good)).status, 0);
  });

  it("is not told of when nobody wonders", async (t) => {
    const mirror = await demoRegistry(t);
    const cwd = await temporaryDirectory();
    const words = ["extract", "registry.invalid/os/demo:v1", "-o", "out", platform];
    const options = [
      "--mirror=registry.invalid=127.0.0.1:1",
      `--mirror=registry.invalid=${mirror}`,
    ];
    const { status: code, stderr } = await runProgram([...words, ...options], { cwd });
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /mirror/);
  });
});

describe("credentials", () => {
  it("are each registry's own: no mirror sees those of another", async (t) => {
    const real = await demoRegistry(t);
    const sent = new Map<string, Set<string | undefined>>();
    const asking: (name: string, user?: string) => Fault = (name, user) => {
      const pass = passing((bytes) => bytes);
      return (request, response, place) => {
        const { authorization } = request.headers;
        sent.set(name, (sent.get(name) ?? new Set()).add(authorization));
        const expected = user && `Basic ${Buffer.from(`${user}:pw-of-${user}`).toString("base64")}`;
        if (expected !== undefined && authorization === expected)
          return pass(request, response, place);
        response.setHeader("www-authenticate", 'Basic realm="x"');
        response.writeHead(401).end();
      };
    };
    const stranger = await faulty(t, real, asking("stranger"));
    const friend = await faulty(t, real, asking("friend", "friend"));
    const primary = await faulty(t, real, asking("primary", "primary"));
    const cwd = await temporaryDirectory();
    const entry = (user: string) => ({
      auth: Buffer.from(`${user}:pw-of-${user}`).toString("base64"),
    });
    const auths = { [friend.host]: entry("friend"), [primary.host]: entry("primary") };
    await writeFile(join(cwd, "auth.json"), JSON.stringify({ auths }));
    const args = ["extract", `${primary.host}/os/demo:v1`, "-o", "out", platform, "--verbose"];
    const mirrors = [stranger, friend].map(({ host }) => `--mirror=${primary.host}=${host}`);
    const outcome = await runProgram([...args, ...mirrors, "--authfile=auth.json"], { cwd });
    assert.equal(outcome.status, 0, outcome.stderr);
    assert.deepEqual([...sent.get("stranger")!], [undefined]);
    assert.deepEqual([...sent.get("friend")!], [undefined, `Basic ${entry("friend").auth}`]);
    assert.equal(sent.get("primary"), undefined, "the friend had it all");
  });
});

describe("a registries.conf that skopeo reads, too", () => {
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
    it(`leads both to the same places: ${name}`, async (t) => {
      const real = await demoRegistry(t);
      const asked: string[] = [];
      const watching = (label: string, fault: Fault) =>
        faulty(t, real, (request, response, place) => {
          if (asked.at(-1) !== label) asked.push(label);
          // Asked first by both, to see what they have before them.
          if (request.url === "/v2/") response.end("{}");
          else fault(request, response, place);
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
      const { status: code, stderr, source } = await extract(image, [], env);
      assert.equal(code, 0, stderr);
      assert.deepEqual(asked, bySkopeo);
      assert.ok(asked.length > 0);
      assert.equal(source.reference, image);
    });
  }

  it("is obeyed where it bans a registry, also one that is cached", async (t) => {
    const real = await demoRegistry(t);
    const image = `${real}/os/demo@${demoDigest}`;
    const cwd = await temporaryDirectory();
    const args = ["extract", image, "-o", "out", platform];
    assert.equal((await runProgram(args, { cwd })).status, 0);
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
    const outcome = await runProgram([...args, "--force"], { cwd, env });
    assertRefusal(outcome, { status: 3, message: /blocked.*registries\.conf/, hint: /registry/ });
  });
});

/** All of them plain HTTP, hence insecure. */
function table(prefix: string, location: string, mirrors: [location: string, pulls: string][]) {
  const lines = mirrors.map(
    ([place, pulls]) =>
      `[[registry.mirror]]\nlocation = "${place}"\ninsecure = true\n${pulls && `pull-from-mirror = "${pulls}"\n`}`,
  );
  return `[[registry]]\nprefix = "${prefix}"\nlocation = "${location}"\ninsecure = true\n${lines.join("")}`;
}
