import assert from "node:assert/strict";
import { appendFile, cp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { runCommand } from "../extract/support/run-command.js";
import { demoImage, succeed } from "../extract/support/run-netboot.js";
import { sharedDirectory, temporaryDirectory } from "../extract/support/temporary-directory.js";

interface Kind {
  readonly make: readonly string[];
  readonly check: readonly string[];
  readonly isRandom?: boolean;
}

const dgst = (key: string) => [
  "dgst",
  "-sha256",
  "-verify",
  key,
  "-signature",
  "SHA256SUMS.sig",
  "SHA256SUMS",
];
const kinds: Readonly<Record<string, Kind>> = {
  "ECDSA P-256": {
    make: ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    check: dgst("../key.pub"),
    isRandom: true,
  },
  "ECDSA P-256 in SEC 1": {
    make: ["ecparam", "-name", "prime256v1", "-genkey", "-noout"],
    check: dgst("../key.pub"),
    isRandom: true,
  },
  RSA: {
    make: ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    check: dgst("../key.pub"),
  },
  Ed25519: {
    make: ["genpkey", "-algorithm", "ED25519"],
    check: [
      "pkeyutl",
      "-verify",
      "-rawin",
      "-pubin",
      "-inkey",
      "../key.pub",
      "-in",
      "SHA256SUMS",
      "-sigfile",
      "SHA256SUMS.sig",
    ],
  },
};

/** A directory with the files key and key.pub; each test has its own copy of the same key. */
async function keyOf(make: readonly string[]): Promise<string> {
  const key = keys.get(make) ?? makeKey(make);
  keys.set(make, key);
  const directory = await temporaryDirectory();
  await cp(await key, directory, { recursive: true });
  return directory;
}

const keys = new Map<readonly string[], Promise<string>>();

async function makeKey(make: readonly string[]): Promise<string> {
  const directory = await sharedDirectory();
  await succeed("openssl", [...make, "-out", "key"], directory);
  await succeed("openssl", ["pkey", "-in", "key", "-pubout", "-out", "key.pub"], directory);
  return directory;
}

const command = (output: string, ...more: string[]) => [
  "extract",
  demoImage,
  "-o",
  output,
  "--platform",
  "linux/amd64",
  "-q",
  "--sign-key",
  "key",
  ...more,
];

describe("--sign-key", () => {
  for (const [name, { make, check, isRandom }] of Object.entries(kinds)) {
    it(`makes a signature that openssl and verify accept, with ${name}`, async () => {
      const cwd = await keyOf(make);
      const { status, stdout, stderr } = await runCommand(command("out"), { cwd });
      assert.equal(status, 0, stderr);
      assert.match(stdout, /^out\/SHA256SUMS\.sig$/m);
      await succeed("openssl", check, join(cwd, "out"));
      const verify = ["verify", "out", "--key", "key.pub"];
      const checked = await runCommand(verify, { cwd });
      assert.equal(checked.status, 0, checked.stdout);
      assert.match(checked.stdout, /^ok +signature: SHA256SUMS is signed with this key$/m);
    });

    it(`makes the same directory again with ${name}${isRandom ? ", except for the signature" : ""}`, async () => {
      const cwd = await keyOf(make);
      for (const output of ["one", "other"]) {
        assert.equal((await runCommand(command(output), { cwd })).status, 0);
      }
      for (const file of await readdir(join(cwd, "one"))) {
        const [one, other] = [
          await readFile(join(cwd, "one", file)),
          await readFile(join(cwd, "other", file)),
        ];
        assert.equal(one.equals(other), !(isRandom && file === "SHA256SUMS.sig"), file);
      }
    });
  }

  it("reads the passphrase of an encrypted key from the environment", async () => {
    const cwd = await keyOf(kinds.RSA!.make);
    await succeed(
      "openssl",
      ["pkcs8", "-topk8", "-in", "key", "-out", "encrypted", "-passout", "pass:a secret"],
      cwd,
    );
    const env = (passphrase: string) => ({ KAIROS_NETBOOT_SIGN_PASSPHRASE: passphrase });
    const words = command("out").map((word) => (word === "key" ? "encrypted" : word));
    const without = await runCommand(words, { cwd });
    assert.equal(without.status, 2);
    assert.match(
      without.stderr,
      /The key encrypted is encrypted\.\n {2}.*KAIROS_NETBOOT_SIGN_PASSPHRASE/,
    );
    const wrong = await runCommand(words, { cwd, env: env("another secret") });
    assert.equal(wrong.status, 2);
    assert.doesNotMatch(wrong.stderr, /another secret/);
    assert.equal((await runCommand(words, { cwd, env: env("a secret") })).status, 0);
    await succeed("openssl", kinds.RSA!.check, join(cwd, "out"));
  });

  it("does nothing if the directory is already signed with that key", async () => {
    const cwd = await keyOf(kinds["ECDSA P-256"]!.make);
    await runCommand(command("out"), { cwd });
    const before = await stat(join(cwd, "out"));
    assert.equal((await runCommand(command("out"), { cwd })).status, 0);
    assert.equal((await stat(join(cwd, "out"))).ino, before.ino);
    await rm(join(cwd, "out/SHA256SUMS.sig"));
    assert.equal((await runCommand(command("out"), { cwd })).status, 0);
    await succeed("openssl", kinds["ECDSA P-256"]!.check, join(cwd, "out"));
  });

  const refused: Readonly<Record<string, readonly [make: string, message: RegExp]>> = {
    "a missing key": ["true", /The key key cannot be read \(ENOENT\)\./],
    "a directory": ["mkdir key", /The key key cannot be read \(EISDIR\)\./],
    "a text": ["echo text >key", /The key key is not a private key in PEM\./],
    "a public key": [
      "openssl genpkey -algorithm ED25519 | openssl pkey -pubout >key",
      /is not a private key in PEM/,
    ],
    "a damaged key": [
      "openssl genpkey -algorithm ED25519 | sed '2y/ABCDEFGHIJKLM/abcdefghijklm/' >key",
      /The key key is not a valid private key/,
    ],
    "a key on another curve": [
      "openssl ecparam -name secp256k1 -genkey -noout >key",
      /has an unsupported type/,
    ],
    "an RSA key that is too short": [
      "openssl genrsa 1024 >key 2>/dev/null",
      /has an unsupported type/,
    ],
    "cosign's own format": [
      "printf -- '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\\nAAAA\\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\\n' >key",
      /is encrypted in cosign's own format/,
    ],
    "an endless file": ["ln -s /dev/zero key", /is too large for a key/],
  };
  for (const [name, [make, message]] of Object.entries(refused)) {
    it(`refuses ${name}, before it makes anything`, async () => {
      const cwd = await temporaryDirectory();
      await succeed("sh", ["-c", make], cwd);
      const { status, stdout, stderr } = await runCommand(command("out"), { cwd });
      assert.equal(status, 2, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, message);
      assert.ok(!(await readdir(cwd)).includes("out"));
    });
  }
});

describe("verify --key", () => {
  let signed: string;
  before(async () => {
    signed = await makeKey(kinds.Ed25519!.make);
    const { status, stderr } = await runCommand(command("out"), { cwd: signed });
    assert.equal(status, 0, stderr);
  });

  /** A directory with a key, and with output in `out` that is signed with it. */
  async function signedOutput(): Promise<string> {
    const directory = await temporaryDirectory();
    await cp(signed, directory, { recursive: true });
    return directory;
  }

  const faults: Readonly<Record<string, (directory: string) => Promise<unknown>>> = {
    "another file in the sums": (at) =>
      appendFile(join(at, "SHA256SUMS"), `${"0".repeat(64)}  more\n`),
    "no signature": (at) => rm(join(at, "SHA256SUMS.sig")),
    "another signature": (at) => writeFile(join(at, "SHA256SUMS.sig"), "no signature"),
    "a signature that is too large": (at) =>
      writeFile(join(at, "SHA256SUMS.sig"), Buffer.alloc(1e6)),
    "no sums": (at) => rm(join(at, "SHA256SUMS")),
  };
  for (const [name, spoil] of Object.entries(faults)) {
    it(`finds ${name}`, async () => {
      const cwd = await signedOutput();
      await spoil(join(cwd, "out"));
      const { status, stdout } = await runCommand(["verify", "out", "--key", "key.pub"], { cwd });
      assert.equal(status, 1);
      assert.match(stdout, /^FAILED +signature: /m);
    });
  }

  it("finds a signature of another key, and refuses a private one", async () => {
    const cwd = await signedOutput();
    const other = await makeKey(kinds.Ed25519!.make);
    const wrong = await runCommand(["verify", "out", "--key", join(other, "key.pub")], { cwd });
    assert.equal(wrong.status, 1);
    assert.match(wrong.stdout, /^FAILED +signature: SHA256SUMS is not signed with this key/m);
    const secret = await runCommand(["verify", "out", "--key", "key"], { cwd });
    assert.equal(secret.status, 2);
    assert.match(secret.stderr, /The key key is a private key\./);
  });

  it("says that nothing was checked if there is a signature and no key", async () => {
    const cwd = await signedOutput();
    const { status, stdout } = await runCommand(["verify", "out"], { cwd });
    assert.equal(status, 0);
    assert.match(stdout, /^not checked +signature: /m);
  });
});
