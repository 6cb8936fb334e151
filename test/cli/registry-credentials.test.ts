import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { runCommand } from "../extract/support/run-command.js";
import { demoImage, outcomeOf, runProgram, startProgram } from "../extract/support/run-netboot.js";
import { sharedDirectory, temporaryDirectory } from "../extract/support/temporary-directory.js";
import { startRegistry } from "../oci-client/support/docker-registry.js";
import { serve } from "../oci-client/support/local-server.js";
import { checkout } from "../support/checkout.js";
import { suiteScope } from "../support/suite-scope.js";
import { isRunning, startOf } from "./support/processes.js";
import { assertRefusal } from "./support/refusal.js";

const run = promisify(execFile);
const platform = "--platform=linux/amd64";
const password = "open-sesame-7";

describe("credentials for extract", () => {
  /** Debian's docker-registry with htpasswd and the demo image, which skopeo pushes. */
  let host: string;
  let image: string;
  const suite = suiteScope();
  before(async () => {
    const directory = await sharedDirectory();
    const passwords = join(directory, "htpasswd");
    await run("htpasswd", ["-Bbc", passwords, "alice", password]);
    host = await startRegistry(suite, directory, passwords);
    image = `${host}/os/demo:v1`;
    const words = ["--insecure-policy", "copy", "--dest-tls-verify=false"];
    const creds = `--dest-creds=alice:${password}`;
    await run("skopeo", [...words, creds, `${demoImage}:latest`, `docker://${image}`]);
  });

  it("come from --username and --password-stdin", async () => {
    const home = await temporaryDirectory();
    const args = ["extract", image, "-o", "out", platform, "--username=alice", "--password-stdin"];
    await writeFile(join(home, "input"), `${password}\n`);
    // A shell opens the file, as a user's would.
    const prefix = ["sh", "-c", 'exec "$@" < input', "sh"];
    const { status, stderr } = await runProgram(args, { cwd: home, prefix });
    assert.equal(status, 0, stderr);
    const { source } = JSON.parse(await readFile(join(home, "out/netboot.json"), "utf8"));
    assert.equal(source.reference, image);
  });

  it("come from --authfile, as skopeo login wrote it", async () => {
    const home = await temporaryDirectory();
    const file = join(home, "mine.json");
    const login = ["login", "--tls-verify=false", `--authfile=${file}`, "--username=alice"];
    await run("skopeo", [...login, `--password=${password}`, host]);
    const args = ["extract", image, "-o", "out", platform, "--authfile=mine.json"];
    const { status, stderr } = await runCommand(args, { cwd: home });
    assert.equal(status, 0, stderr);
  });

  it("come from a helper, and from the most specific entry", async () => {
    const home = await temporaryDirectory();
    await mkdir(join(home, "bin"));
    const helper = join(home, "bin/docker-credential-ours");
    await writeFile(
      helper,
      `#!/bin/sh\nread server; [ "$server" = "${host}" ] || exit 1\n` +
        `echo '{"Username":"alice","Secret":"${password}"}'\n`,
    );
    await chmod(helper, 0o755);
    await writeFile(join(home, "helped.json"), JSON.stringify({ credHelpers: { [host]: "ours" } }));
    const entry = (secret: string) => ({ auth: Buffer.from(`alice:${secret}`).toString("base64") });
    const auths = { [host]: entry("wrong"), [`${host}/os`]: entry(password) };
    await writeFile(join(home, "specific.json"), JSON.stringify({ auths }));
    const env = { PATH: `${join(home, "bin")}:${process.env.PATH}` };
    for (const name of ["helped", "specific"]) {
      const args = ["extract", image, "-o", name, platform, "--no-cache"];
      const { status, stderr } = await runCommand([...args, `--authfile=${name}.json`], {
        cwd: home,
        env,
      });
      assert.equal(status, 0, stderr);
    }
  });

  it("that are wrong or missing lead to status 3, and the hint names where they come from", async () => {
    const home = await temporaryDirectory();
    const args = ["extract", image, "-o", "out", platform];
    const without = await runCommand(args, { cwd: home });
    assertRefusal(without, { status: 3, message: /without credentials/, hint: /login/ });
    const wrong = await runCommand([...args, "--username=alice", "--password-stdin"], {
      cwd: home,
      input: "wrong",
    });
    assertRefusal(wrong, {
      status: 3,
      message: /refused the credentials/,
      hint: /given with --username and --password-stdin/,
    });
    assert.doesNotMatch(wrong.stderr, /login/);
  });
});

describe("invalid credential options", () => {
  const args = ["extract", "127.0.0.1:1/a/b", "-o", "out"];
  const mistakes: [
    name: string,
    options: string[],
    input: string,
    message: RegExp,
    hint: RegExp,
  ][] = [
    ["a user without a password", ["--username=a"], "", /requires a password/, /--password-stdin/],
    ["a password without a user", ["--password-stdin"], "x", /user name/, /--username/],
    ["an empty user", ["--username=", "--password-stdin"], "x", /user name/, /--username/],
    ["an empty input", ["--username=a", "--password-stdin"], "", /no password/, /--password-stdin/],
    [
      "an empty line",
      ["--username=a", "--password-stdin"],
      "\n",
      /no password/,
      /--password-stdin/,
    ],
    ["two lines", ["--username=a", "--password-stdin"], "x\ny\n", /control/, /one line/],
    ["a colon", ["--username=a:b", "--password-stdin"], "x", /character/, /colon/],
    [
      "no end of it",
      ["--username=a", "--password-stdin"],
      "x".repeat(100_000),
      /too long for a password/,
      /--password-stdin/,
    ],
    ["an --authfile that does not exist", ["--authfile=gone"], "", /gone cannot be read/, /exists/],
  ];
  for (const [name, options, input, message, hint] of mistakes) {
    it(`are refused: ${name}`, async (t) => {
      const challenge = await serve(t, (_request, response) => {
        response.setHeader("www-authenticate", 'Basic realm="x"');
        response.writeHead(401).end();
      });
      const words = args.map((word) => word.replace("127.0.0.1:1", challenge.host));
      const cwd = await temporaryDirectory();
      const outcome = await runCommand([...words, ...options], { cwd, input });
      const status = name.includes("--authfile") ? 3 : 2;
      assertRefusal(outcome, { status, message, hint });
    });
  }

  it("are refused: a password typed into a terminal, which would show it", async () => {
    const cwd = await temporaryDirectory();
    const command = `${process.execPath} "$PROGRAM" ${args.join(" ")} --username=a --password-stdin`;
    const program = join(checkout, "bin/kairos-netboot.js");
    // script, from util-linux, provides a terminal.
    const { stdout } = await run("script", ["-qec", command, "/dev/null"], {
      cwd,
      env: { ...process.env, PROGRAM: program },
      timeout: 30_000,
    }).catch((error: { stdout: string }) => error);
    assert.match(stdout, /is a terminal/);
  });
});

describe("secrets", () => {
  /** A new one for each run: the process that runs them all hides what it has once seen. */
  let password: string;

  /** Where hostile or careless servers repeat what they receive. */
  const echoes: [name: string, answer: (secret: string) => [status: number, body: string]][] = [
    ["an error's message", (secret) => [500, errorBody(`no such user: ${secret}`)]],
    ["a long error's message", (secret) => [500, errorBody(`${"x".repeat(190)}${secret}`)]],
    ["a body that is not JSON", (secret) => [200, `token for ${secret}`]],
    ["a JSON body of another format", (secret) => [200, JSON.stringify({ token: [secret] })]],
    ["a refusal", (secret) => [403, errorBody(secret)]],
  ];
  const forms: [name: string, of: (authorization: string) => string][] = [
    ["in plain text", () => password],
    ["as its header", (authorization) => authorization.replace(/^\w+ /, "")],
    ["in a URL", () => encodeURIComponent(password)],
  ];
  for (const [index, [place, answer]] of echoes.entries()) {
    // One place is enough for all forms.
    for (const [form, of] of index === 0 ? forms : forms.slice(0, 1)) {
      it(`are not shown if a token server quotes them ${form} in ${place}`, async (t) => {
        const realm = await serve(t, ({ headers }, response) => {
          const [status, body] = answer(of(headers.authorization ?? ""));
          response.writeHead(status).end(body);
        });
        await assertHidden(t, `Bearer realm="http://${realm.host}/token"`, realm.requests);
      });
    }
  }

  it("are not shown if a token server redirects to them", async (t) => {
    const realm = await serve(t, (_request, response) => {
      const location = `http://${password}@elsewhere.example/${password}?${password}`;
      response.writeHead(302, { location }).end();
    });
    await assertHidden(t, `Bearer realm="http://${realm.host}/token"`, realm.requests);
  });

  it("are not shown if a registry quotes them", async (t) => {
    await assertHidden(t, 'Basic realm="x"');
  });

  it("are not shown if they are a token that a registry quotes", async (t) => {
    const tokens: string[] = [];
    const realm = await serve(t, (_request, response) => {
      const token = newSecret();
      tokens.push(token);
      response.end(JSON.stringify({ token: `eyJ.${token}.sig` }));
    });
    const shown = await assertHidden(
      t,
      `Bearer realm="http://${realm.host}/token"`,
      realm.requests,
    );
    assert.equal(tokens.length, 2);
    for (const token of tokens) assert.ok(!shown.includes(token.slice(0, 5)), shown);
  });

  it("are not shown if they are an identity token", async (t) => {
    const secret = "refresh-token-4711";
    const realm = await serve(t, (request, response) => {
      request.resume();
      response.writeHead(500).end(errorBody(`what shall I do with ${secret}?`));
    });
    const registry = await serve(t, (_request, response) => {
      response.setHeader("www-authenticate", `Bearer realm="http://${realm.host}/token"`);
      response.writeHead(401).end();
    });
    const cwd = await temporaryDirectory();
    const auths = { [registry.host]: { identitytoken: secret } };
    await writeFile(join(cwd, "auth.json"), JSON.stringify({ auths }));
    const args = [
      "extract",
      `${registry.host}/a/b`,
      "-o",
      "out",
      "--authfile=auth.json",
      "--retry-timeout=0",
    ];
    const { status, stderr } = await runCommand([...args, "--verbose"], { cwd });
    assert.equal(status, 3);
    assert.match(stderr, /what shall I do with \*\*\*\?/);
    assert.doesNotMatch(stderr, /4711/);
    assert.equal(realm.requests[0]!.method, "POST");
  });

  /** Runs extract with each kind of output, and searches it for the password in every form. */
  async function assertHidden(t: TestContext, challenge: string, requests: unknown[] = []) {
    const registry = await serve(t, ({ headers }, response) => {
      if (headers.authorization === undefined) {
        response.setHeader("www-authenticate", challenge);
        response.writeHead(401).end();
        return;
      }
      response.writeHead(500).end(errorBody(`${password} ${headers.authorization}`));
    });
    const cwd = await temporaryDirectory();
    const image = `${registry.host}/os/image:v1`;
    const args = [
      "extract",
      image,
      "-o",
      "out",
      "--retry-timeout=0",
      "--username=alice",
      "--password-stdin",
    ];
    let allOutput = "";
    for (const flags of [["--verbose"], ["--json", "--verbose"]]) {
      password = newSecret();
      const { status, stdout, stderr } = await runCommand([...args, ...flags], {
        cwd,
        input: password,
      });
      assert.equal(status, 3, stderr);
      const shown = `${stdout}${stderr}`;
      allOutput += shown;
      const encoded = Buffer.from(`alice:${password}`).toString("base64");
      for (const secret of [password, encoded, password.slice(0, 9)]) {
        assert.ok(!shown.includes(secret), shown);
      }
    }
    const asked = [...registry.requests, ...requests] as { headers: { authorization?: string } }[];
    const sent = asked.map(({ headers }) => headers.authorization ?? "");
    assert.ok(
      sent.some((each) => each.startsWith("Basic ")),
      "the password was sent",
    );
    return allOutput;
  }
});

describe("a slow credential helper", () => {
  it("ends with the program at SIGINT, although its child keeps its output open", async (t) => {
    const cwd = await temporaryDirectory();
    const registry = await serve(t, (_request, response) => {
      response.setHeader("www-authenticate", 'Basic realm="x"');
      response.writeHead(401).end();
    });
    await mkdir(join(cwd, "bin"));
    const helper = join(cwd, "bin/docker-credential-slow");
    // Like docker-credential-pass, which starts gpg: the child keeps the helper's output open.
    await writeFile(helper, "#!/bin/sh\nsleep 97531\n");
    await chmod(helper, 0o755);
    await writeFile(join(cwd, "auth.json"), JSON.stringify({ credsStore: "slow" }));
    const args = [
      "extract",
      `${registry.host}/os/image:v1`,
      "-o",
      "out",
      "--authfile=auth.json",
      "--retry-timeout=0",
    ];
    const env = { PATH: `${join(cwd, "bin")}:${process.env.PATH}` };
    const child = startProgram(args, { cwd, env });
    const outcome = outcomeOf(child);
    const others = await startOf("97531", child.pid!);
    t.after(() => {
      for (const { pid } of others.filter(isRunning)) process.kill(pid, "SIGKILL");
    });
    child.kill("SIGINT");
    const { status, stderr } = await outcome;
    assert.equal(status, 130, stderr);
    const shells = others.filter(({ words }) => words.some((word) => word.includes("credential")));
    assert.ok(shells.length > 0);
    assert.deepEqual(shells.filter(isRunning), []);
  });
});

function newSecret(): string {
  return randomBytes(8).toString("hex");
}

function errorBody(message: string): string {
  return JSON.stringify({ errors: [{ code: "UNKNOWN", message }] });
}
