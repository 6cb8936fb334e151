import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { loadCredentials } from "../../../src/oci-client/index.js";
import { failsWith } from "../support/fails-with.js";

const dockerHubKey = "https://index.docker.io/v1/";

function auth(username: string, password = "secret") {
  return { auth: Buffer.from(`${username}:${password}`).toString("base64") };
}

/** Creates a home directory with these files. Content other than strings is written as JSON. */
async function setUp(t: TestContext, files: Record<string, unknown>) {
  const home = await mkdtemp(join(tmpdir(), "oci-client-"));
  t.after(() => rm(home, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(home, name)), { recursive: true });
    const text = typeof content === "string" ? content : JSON.stringify(content);
    await writeFile(join(home, name), text, { mode: 0o755 });
  }
  const warnings: string[] = [];
  const load = (env: Record<string, string> = {}, authFile?: string) =>
    loadCredentials({
      home,
      env: { PATH: `${join(home, "bin")}:/usr/bin:/bin`, HOME: home, ...env },
      authFile,
      onWarning: (message) => warnings.push(message),
    });
  return { home, warnings, load };
}

/** The user name and password or the identity token, without where they come from. */
async function secretFor(
  store: ReturnType<typeof loadCredentials>,
  registry: string,
): Promise<unknown> {
  const credential = await store.lookup(registry, "a/b");
  if (credential === undefined) return undefined;
  const { origin: _, ...secret } = credential;
  return secret;
}

async function usernameFor(
  store: ReturnType<typeof loadCredentials>,
  registry: string,
  repository = "a/b",
): Promise<string | undefined> {
  const credential = await store.lookup(registry, repository);
  return credential && ("username" in credential ? credential.username : "<token>");
}

describe("the key of a credential", () => {
  /** The formats in docker-login(1) and containers-auth.json(5), and those of old Docker clients. */
  const keys: [
    name: string,
    auths: string[],
    registry: string,
    repository: string,
    found?: string,
  ][] = [
    ["is the registry", ["quay.io"], "quay.io", "a/b", "quay.io"],
    [
      "is the registry with its port",
      ["quay.io", "quay.io:5000"],
      "quay.io:5000",
      "a/b",
      "quay.io:5000",
    ],
    ["is Docker Hub's old URL", [dockerHubKey], "docker.io", "library/debian", dockerHubKey],
    ["is Docker Hub's short name", ["docker.io"], "docker.io", "library/debian", "docker.io"],
    ["may be a URL", ["https://quay.io"], "quay.io", "a/b", "https://quay.io"],
    ["may be an old URL", ["https://quay.io/v1/"], "quay.io", "a/b", "https://quay.io/v1/"],
    ["may be a namespace", ["quay.io/a"], "quay.io", "a/b", "quay.io/a"],
    ["may be a repository", ["quay.io/a/b"], "quay.io", "a/b", "quay.io/a/b"],
    [
      "is the most specific",
      ["quay.io", "quay.io/a/b", "quay.io/a"],
      "quay.io",
      "a/b",
      "quay.io/a/b",
    ],
    [
      "is the plain spelling of two",
      ["quay.io", "https://quay.io/v1/"],
      "quay.io",
      "a/b",
      "quay.io",
    ],
    ["is not part of a namespace", ["quay.io/a"], "quay.io", "ab/c", undefined],
    ["is not another repository", ["quay.io/a/b"], "quay.io", "a/c", undefined],
    ["is not another host", ["quay.io"], "notquay.io", "a/b", undefined],
    ["is not the host without its port", ["quay.io"], "quay.io:5000", "a/b", undefined],
    ["is not a subdomain's", ["quay.io"], "cdn.quay.io", "a/b", undefined],
  ];
  for (const [name, auths, registry, repository, found] of keys) {
    it(name, async (t) => {
      const entries = auths.map((key) => [key, { username: key, password: "x" }]);
      const { load } = await setUp(t, {
        ".docker/config.json": { auths: Object.fromEntries(entries) },
      });
      assert.equal(await usernameFor(load(), registry, repository), found);
    });
  }
});

describe("a credential", () => {
  const entries: [name: string, entry: object, expected: unknown][] = [
    [
      "is user and password in base64",
      { auth: "YWxpY2U6YTpi" },
      { username: "alice", password: "a:b" },
    ],
    [
      "may be padded with zero bytes",
      { auth: "YWxpY2U6eAAA" },
      { username: "alice", password: "x" },
    ],
    ["may be in plain text", { username: "u", password: "p" }, { username: "u", password: "p" }],
    [
      "may be an identity token",
      { ...auth("<token>"), identitytoken: "t" },
      { identityToken: "t" },
    ],
    ["is missing in the empty entry for a helper", {}, undefined],
  ];
  for (const [name, entry, expected] of entries) {
    it(name, async (t) => {
      const { load } = await setUp(t, { ".docker/config.json": { auths: { "quay.io": entry } } });
      assert.deepEqual(await secretFor(load(), "quay.io"), expected);
    });
  }
});

describe("the files", () => {
  const holding = (username: string) => ({ auths: { "quay.io": auth(username) } });
  const files = {
    "given.json": holding("given"),
    "registry.json": holding("registry"),
    "docker/config.json": holding("docker-config"),
    ".docker/config.json": holding("docker"),
    "run/containers/auth.json": holding("run"),
    "xdg/containers/auth.json": holding("xdg"),
    ".config/containers/auth.json": holding("config"),
  };
  type Files = Partial<Record<keyof typeof files, unknown>>;
  const without = (...names: (keyof typeof files)[]): Files =>
    Object.fromEntries(Object.entries(files).filter(([name]) => !names.includes(name as never)));
  const all = {
    REGISTRY_AUTH_FILE: "registry.json",
    DOCKER_CONFIG: "docker",
    XDG_RUNTIME_DIR: "run",
  };

  const orders: [
    name: string,
    files: Files,
    env: Record<string, string>,
    given: boolean,
    found: string,
  ][] = [
    ["begin with the given one", files, all, true, "given"],
    ["continue with REGISTRY_AUTH_FILE", files, all, false, "registry"],
    ["continue with DOCKER_CONFIG", without("registry.json"), all, false, "docker-config"],
    ["continue with Docker's in the home directory", files, {}, false, "docker"],
    [
      "continue with podman's of this session",
      without(".docker/config.json"),
      { XDG_RUNTIME_DIR: "run" },
      false,
      "run",
    ],
    [
      "continue with podman's in XDG_CONFIG_HOME",
      without(".docker/config.json"),
      { XDG_CONFIG_HOME: "xdg" },
      false,
      "xdg",
    ],
    [
      "end with podman's in the home directory",
      without(".docker/config.json"),
      {},
      false,
      "config",
    ],
  ];
  for (const [name, present, env, given, found] of orders) {
    it(name, async (t) => {
      const { home, load } = await setUp(t, present);
      const paths = Object.entries(env).map(([key, path]) => [key, join(home, path)]);
      const store = load(Object.fromEntries(paths), given ? join(home, "given.json") : undefined);
      assert.equal(await usernameFor(store, "quay.io"), found);
    });
  }

  it("may all be missing", async (t) => {
    const { load, warnings } = await setUp(t, {});
    assert.equal(await load().lookup("quay.io", "a/b"), undefined);
    assert.deepEqual(warnings, []);
  });

  it("after the one with the credential are not read, so they may be invalid", async (t) => {
    const broken = { ".docker/config.json": "{", "given.json": files["given.json"] };
    const { home, load } = await setUp(t, broken);
    const store = load({}, join(home, "given.json"));
    assert.equal(await usernameFor(store, "quay.io"), "given");
    await assert.rejects(
      store.lookup("ghcr.io", "a/b"),
      failsWith("CREDENTIALS_INVALID", /not valid/),
    );
  });

  // Docker accepts an empty file, and Docker and podman accept an entry that is null.
  for (const [name, content] of [
    ["nothing", ""],
    ["a blank line", "\n"],
    ["an entry that is null", { auths: { "quay.io": null } }],
  ] as const) {
    it(`may contain ${name}`, async (t) => {
      const present = {
        ".docker/config.json": content,
        ".config/containers/auth.json": holding("podman"),
      };
      const { load } = await setUp(t, present);
      assert.equal(await usernameFor(load(), "quay.io"), "podman");
    });
  }

  it("must exist if given", async (t) => {
    const { home, load } = await setUp(t, {});
    await assert.rejects(
      load({}, join(home, "gone.json")).lookup("quay.io", "a/b"),
      failsWith("CREDENTIALS_INVALID", /gone\.json cannot be read \(ENOENT\)/),
    );
  });

  it("are skipped with a warning if they cannot be read", async (t) => {
    const { load, warnings } = await setUp(t, { ".docker/config.json/x": "" });
    assert.equal(await load().lookup("quay.io", "a/b"), undefined);
    assert.match(warnings.join(), /config\.json cannot be read \(EISDIR\)/);
  });

  const malformed: [name: string, content: unknown][] = [
    ["JSON", '{"auths": {"quay.io": {"auth": "secret'],
    ["of the right format", { auths: "secret" }],
    ["base64 of a user and a password", { auths: { "quay.io": { auth: "c2VjcmV0" } } }],
    ["of any size", `{"a":"${"secret".repeat(200_000)}"}`],
  ];
  for (const [name, content] of malformed) {
    it(`are refused, without being quoted, if they are not ${name}`, async (t) => {
      const { load } = await setUp(t, { ".docker/config.json": content });
      await assert.rejects(load().lookup("quay.io", "a/b"), (error: Error) => {
        failsWith("CREDENTIALS_INVALID", /config\.json/)(error);
        return !/secret|c2VjcmV0/.test(`${error.message} ${error.cause}`);
      });
    });
  }
});

describe("the origin of a credential", () => {
  const auths = { "quay.io": auth("alice") };

  it("is the file that has it", async (t) => {
    const { home, load } = await setUp(t, {
      "given.json": { auths },
      "docker/config.json": { auths: { "ghcr.io": auth("bob") } },
    });
    const store = load({ DOCKER_CONFIG: join(home, "docker") }, join(home, "given.json"));
    const given = { kind: "auth-file", path: join(home, "given.json") };
    assert.deepEqual((await store.lookup("quay.io", "a/b"))?.origin, given);
    const docker = { kind: "docker-config", path: join(home, "docker/config.json") };
    assert.deepEqual((await store.lookup("ghcr.io", "a/b"))?.origin, docker);
  });

  it("is the helper that returned it", async (t) => {
    const { home, load } = await setUp(t, {
      ".docker/config.json": { auths, credHelpers: { "quay.io": "test" } },
      "bin/docker-credential-test": `#!/bin/sh\necho '{"Username":"alice","Secret":"secret"}'\n`,
    });
    const path = join(home, ".docker/config.json");
    const helper = { kind: "helper", program: "docker-credential-test", path };
    assert.deepEqual((await load().lookup("quay.io", "a/b"))?.origin, helper);
  });
});

describe("a credential helper", () => {
  /** Implements the protocol of docker-credential-helpers and records its input. */
  const helper = (answer: string, status = 0) =>
    `#!/bin/sh\n{ echo "$1"; cat; echo; } >> "$HOME/asked"\nprintf '%s' '${answer}'\nexit ${status}\n`;
  const alice = '{"ServerURL":"x","Username":"alice","Secret":"secret"}';

  /** Answers after a certain file exists. */
  const slow = [
    "#!/bin/sh",
    'echo "$1" >> "$HOME/asked"',
    'for _ in $(seq 200); do [ -e "$HOME/go" ] && break; sleep 0.05; done',
    `printf '%s' '${alice}'`,
    "",
  ].join("\n");

  it("gets the registry's name on standard input", async (t) => {
    const { home, load } = await setUp(t, {
      ".docker/config.json": { credHelpers: { "quay.io": "test" } },
      "bin/docker-credential-test": helper(alice),
    });
    const store = load();
    const expected = { username: "alice", password: "secret" };
    assert.deepEqual(await secretFor(store, "quay.io"), expected);
    assert.deepEqual(await secretFor(store, "quay.io"), expected);
    assert.equal(await store.lookup("ghcr.io", "a/b"), undefined);
    assert.equal(await readFile(join(home, "asked"), "utf8"), "get\nquay.io\n", "asked once");
  });

  it("gets Docker Hub's old URL", async (t) => {
    const { home, load } = await setUp(t, {
      ".docker/config.json": { credsStore: "test", auths: { [dockerHubKey]: {} } },
      "bin/docker-credential-test": helper(alice),
    });
    assert.equal(await usernameFor(load(), "docker.io"), "alice");
    assert.equal(await readFile(join(home, "asked"), "utf8"), `get\n${dockerHubKey}\n`);
  });

  it("of one registry takes precedence over the default helper", async (t) => {
    const { load } = await setUp(t, {
      ".docker/config.json": { credsStore: "store", credHelpers: { "quay.io": "test" } },
      "bin/docker-credential-test": helper(alice),
      "bin/docker-credential-store": helper(alice.replace("alice", "bob")),
    });
    assert.equal(await usernameFor(load(), "quay.io"), "alice");
    assert.equal(await usernameFor(load(), "ghcr.io"), "bob");
  });

  it("marks an identity token by the user name <token>", async (t) => {
    const { load } = await setUp(t, {
      ".docker/config.json": { credsStore: "test" },
      "bin/docker-credential-test": helper(alice.replace("alice", "<token>")),
    });
    assert.deepEqual(await secretFor(load(), "quay.io"), { identityToken: "secret" });
  });

  const failures: [name: string, script: string | undefined, words: RegExp][] = [
    ["is missing", undefined, /docker-credential-test is not installed/],
    [
      "has no credential",
      helper("credentials not found in native keychain", 1),
      /has no credentials for quay\.io/,
    ],
    ["fails", helper("secret", 3), /failed for quay\.io with exit status 3/],
    ["answers with invalid JSON", helper("secret"), /no usable credentials/],
    ["answers with empty strings", helper('{"Username":"","Secret":""}'), /no usable credentials/],
  ];
  for (const [name, script, words] of failures) {
    it(`that ${name} is skipped with a warning that shows no secret`, async (t) => {
      const { load, warnings } = await setUp(t, {
        ".docker/config.json": { credsStore: "test", auths: { "quay.io": auth("from-file") } },
        ...(script && { "bin/docker-credential-test": script }),
      });
      assert.equal(await usernameFor(load(), "quay.io"), "from-file");
      assert.equal(await load().lookup("ghcr.io", "a/b"), undefined);
      assert.match(warnings[0]!, words);
      assert.doesNotMatch(warnings.join(), /secret/);
    });
  }

  /** Starts a lookup, which can give up, with a helper that answers after the file `go` exists. */
  async function askSlowly(t: TestContext) {
    const { home, load } = await setUp(t, {
      ".docker/config.json": { credsStore: "test" },
      "bin/docker-credential-test": slow,
    });
    const store = load();
    const controller = new AbortController();
    const one = store.lookup("quay.io", "a/b", controller.signal);
    const giveUp = async () => {
      controller.abort(new Error("gave up"));
      await assert.rejects(one, /gave up/);
    };
    return { home, store, giveUp };
  }

  it("still answers other callers if one gives up", async (t) => {
    const { home, store, giveUp } = await askSlowly(t);
    const other = secretFor(store, "quay.io");
    await giveUp();
    await writeFile(join(home, "go"), "");
    assert.deepEqual(await other, { username: "alice", password: "secret" });
    assert.equal(await readFile(join(home, "asked"), "utf8"), "get\n", "asked once");
  });

  it("is asked again after all callers have given up", async (t) => {
    const { home, store, giveUp } = await askSlowly(t);
    await giveUp();
    await writeFile(join(home, "go"), "");
    const expected = { username: "alice", password: "secret" };
    assert.deepEqual(await secretFor(store, "quay.io"), expected);
  });

  it("cannot be a path", async (t) => {
    const { load } = await setUp(t, { ".docker/config.json": { credsStore: "x/../../evil" } });
    await assert.rejects(load().lookup("quay.io", "a/b"), failsWith("CREDENTIALS_INVALID"));
  });
});
