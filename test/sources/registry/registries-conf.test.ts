import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatReference, parseReference } from "../../../src/oci-client/index.js";
import { loadRegistriesConf } from "../../../src/sources/registry/load-registries-conf.js";
import { pullSources } from "../../../src/sources/registry/pull-sources.js";
import { parseRegistriesConf } from "../../../src/sources/registry/registries-conf.js";
import { NetbootError } from "../../../src/support/index.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";

/** What containers-registries.conf(5) says of each; the last place is the registry itself. */
const cases: [name: string, conf: string, image: string, places: string[]][] = [
  ["there is no rule", "", "quay.io/a/b:v1", ["quay.io/a/b:v1"]],
  [
    "it has mirrors, in order",
    `[[registry]]
     location = "quay.io"
     [[registry.mirror]]
     location = "one.lan:5000"
     [[registry.mirror]]
     location = "two.lan/quay/"`,
    "quay.io/a/b:v1",
    ["one.lan:5000/a/b:v1", "two.lan/quay/a/b:v1", "quay.io/a/b:v1"],
  ],
  [
    "a prefix is replaced by a location",
    `[[registry]]
     prefix = "example.com/foo"
     location = "internal.lan/bar"`,
    "example.com/foo/image:latest",
    ["internal.lan/bar/image:latest"],
  ],
  [
    "the longest prefix counts",
    `[[registry]]
     location = "quay.io"
     [[registry.mirror]]
     location = "short.lan"
     [[registry]]
     location = "quay.io/a"
     [[registry.mirror]]
     location = "long.lan"`,
    "quay.io/a/b:v1",
    ["long.lan/b:v1", "quay.io/a/b:v1"],
  ],
  [
    "a prefix ends at a slash",
    `[[registry]]
     location = "quay.io/a"
     [[registry.mirror]]
     location = "one.lan"`,
    "quay.io/ab/c:v1",
    ["quay.io/ab/c:v1"],
  ],
  [
    "a prefix is a whole repository",
    `[[registry]]
     location = "quay.io/a/b"
     [[registry.mirror]]
     location = "one.lan/c"`,
    "quay.io/a/b:v1",
    ["one.lan/c:v1", "quay.io/a/b:v1"],
  ],
  [
    "a host with a port is another registry",
    `[[registry]]
     location = "quay.io"
     [[registry.mirror]]
     location = "one.lan"`,
    "quay.io:5000/a/b:v1",
    ["quay.io:5000/a/b:v1"],
  ],
  [
    "a wildcard matches subdomains",
    `[[registry]]
     prefix = "*.example.com"
     location = "one.lan"`,
    "a.b.example.com/c/d:v1",
    ["one.lan/c/d:v1"],
  ],
  [
    "a wildcard does not match the domain itself",
    `[[registry]]
     prefix = "*.example.com"
     location = "one.lan"`,
    "example.com/c/d:v1",
    ["example.com/c/d:v1"],
  ],
  [
    "a wildcard without a location keeps the name",
    `[[registry]]
     prefix = "*.example.com"
     [[registry.mirror]]
     location = "one.lan"`,
    "a.example.com/c/d:v1",
    ["one.lan/c/d:v1", "a.example.com/c/d:v1"],
  ],
  [
    "Docker Hub's short names are meant in full",
    `[[registry]]
     location = "docker.io"
     [[registry.mirror]]
     location = "one.lan:5000"`,
    "debian:12",
    ["one.lan:5000/library/debian:12", "docker.io/library/debian:12"],
  ],
  [
    "mirrors are for digests only",
    `[[registry]]
     location = "quay.io"
     mirror-by-digest-only = true
     [[registry.mirror]]
     location = "one.lan"`,
    "quay.io/a/b:v1",
    ["quay.io/a/b:v1"],
  ],
  [
    "each mirror is limited to tags or digests",
    `[[registry]]
     location = "quay.io"
     [[registry.mirror]]
     location = "digests.lan"
     pull-from-mirror = "digest-only"
     [[registry.mirror]]
     location = "tags.lan"
     pull-from-mirror = "tag-only"
     [[registry.mirror]]
     location = "all.lan"
     pull-from-mirror = "all"`,
    "quay.io/a/b:v1",
    ["tags.lan/a/b:v1", "all.lan/a/b:v1", "quay.io/a/b:v1"],
  ],
];

function places(conf: string, image: string): string[] {
  const rules = parseRegistriesConf(conf, "registries.conf")!;
  return pullSources(parseReference(image), rules).map(({ reference }) =>
    formatReference(reference),
  );
}

function fails(code: string, words: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof NetbootError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, words);
    return true;
  };
}

describe("registries.conf", () => {
  for (const [name, conf, image, expected] of cases) {
    it(`yields the right sources if ${name}`, () => {
      assert.deepEqual(places(conf, image), expected);
    });
  }

  it("distinguishes mirrors for digests from mirrors for tags", () => {
    const conf = cases.at(-1)![1];
    const digest = `sha256:${"a".repeat(64)}`;
    assert.deepEqual(places(conf, `quay.io/a/b@${digest}`), [
      `digests.lan/a/b@${digest}`,
      `all.lan/a/b@${digest}`,
      `quay.io/a/b@${digest}`,
    ]);
  });

  it("says which sources may be insecure", () => {
    const rules = parseRegistriesConf(
      `[[registry]]
       location = "quay.io"
       [[registry.mirror]]
       location = "one.lan"
       insecure = true`,
      "x",
    )!;
    const found = pullSources(parseReference("quay.io/a/b"), rules);
    assert.deepEqual(
      found.map(({ insecure, isPrimary }) => [insecure, isPrimary]),
      [
        [true, false],
        [false, true],
      ],
    );
  });

  it("blocks registries, except for a longer prefix", () => {
    const conf = `[[registry]]
      location = "quay.io"
      blocked = true
      [[registry]]
      location = "quay.io/good"`;
    assert.throws(() => places(conf, "quay.io/a/b"), fails("REGISTRY_BLOCKED", /conf blocks/));
    assert.deepEqual(places(conf, "quay.io/good/b:v1"), ["quay.io/good/b:v1"]);
  });

  it("is recognized as version 1 or 2", () => {
    assert.equal(
      parseRegistriesConf(`[registries.search]\nregistries = ["quay.io"]`, "x"),
      undefined,
    );
  });

  const malformed: [name: string, conf: string, words: RegExp][] = [
    ["invalid TOML", "[[registry]\n", /not valid TOML, line 1/],
    ["a number instead of tables", "registry = 1", /registry/],
    ["a string for a flag", `[[registry]]\nlocation = "a.b"\nblocked = "yes"`, /blocked/],
    ["neither prefix nor location", "[[registry]]\nblocked = true", /neither prefix nor location/],
    ["a prefix without location", `[[registry]]\nprefix = "quay.io"`, /no location/],
    ["a scheme", `[[registry]]\nlocation = "https://quay.io"`, /scheme/],
    ["a mirror without location", `[[registry]]\nlocation = "a.b"\n[[registry.mirror]]`, /mirror/],
    [
      "two settings for what a mirror has",
      `[[registry]]\nlocation = "a.b"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "c.d"\npull-from-mirror = "all"`,
      /both mirror-by-digest-only and pull-from-mirror/,
    ],
    [
      "an unknown value of pull-from-mirror",
      `[[registry]]\nlocation = "a.b"\n[[registry.mirror]]\nlocation = "c.d"\npull-from-mirror = "x"`,
      /pull-from-mirror/,
    ],
  ];
  for (const [name, conf, words] of malformed) {
    it(`is refused with ${name}`, () => {
      assert.throws(
        () => parseRegistriesConf(conf, "registries.conf"),
        fails("REGISTRY_CONFIG_INVALID", words),
      );
    });
  }

  it("with any content is read or refused", () => {
    const lines = `[[registry]] [[registry.mirror]] [registries.search] [registry] prefix= location=
      blocked=true pull-from-mirror= mirror=[] insecure=1 "quay.io" "*.io" "*." "/" ":" "@" "__proto__"
      __proto__.x=1 {`;
    const word = fc.constantFrom(...lines.split(/\s+/), "\n", "\n", "\n");
    const texts = fc.oneof(
      fc.string(),
      fc.array(word).map((words) => words.join("")),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          const rules = parseRegistriesConf(text, "x");
          if (rules) pullSources(parseReference("quay.io/a/b:v1"), rules);
        } catch (error) {
          assert.ok(error instanceof NetbootError, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("is refused with a location that cannot hold an image", () => {
    const conf = `[[registry]]\nlocation = "quay.io"\n[[registry.mirror]]\nlocation = "nodot"`;
    assert.throws(() => places(conf, "quay.io/a/b"), fails("REGISTRY_CONFIG_INVALID", /nodot/));
  });
});

describe("the files of registries.conf", () => {
  const banning = (location: string) => `[[registry]]\nlocation = "${location}"\nblocked = true\n`;
  const freeing = (location: string) => `[[registry]]\nlocation = "${location}"\n`;
  const user = "home/.config/containers";
  const tables: [name: string, files: Record<string, string>, named: string, blocked: string[]][] =
    [
      ["may all be missing", {}, "", []],
      ["are the system's by default", { "etc/registries.conf": banning("a.b") }, "", ["a.b"]],
      [
        "are the user's instead of the system's if there are any",
        {
          "etc/registries.conf": banning("a.b"),
          "etc/registries.conf.d/1.conf": banning("c.d"),
          [`${user}/registries.conf`]: banning("e.f"),
          [`${user}/registries.conf.d/1.conf`]: banning("g.h"),
        },
        "",
        ["e.f", "g.h"],
      ],
      [
        "include the drop-in files of system and user",
        {
          "etc/registries.conf": banning("a.b"),
          "etc/registries.conf.d/1.conf": banning("c.d"),
          [`${user}/registries.conf.d/1.conf`]: banning("g.h"),
          "etc/registries.conf.d/readme": "invalid TOML",
        },
        "",
        ["a.b", "c.d", "g.h"],
      ],
      [
        "are overridden by later files, prefix by prefix",
        {
          "etc/registries.conf": banning("a.b") + banning("c.d"),
          "etc/registries.conf.d/2.conf": banning("a.b"),
          "etc/registries.conf.d/10.conf": freeing("c.d"),
          [`${user}/registries.conf.d/1.conf`]: freeing("a.b"),
        },
        "",
        [],
      ],
      [
        "are the one that CONTAINERS_REGISTRIES_CONF names",
        {
          "etc/registries.conf": banning("a.b"),
          [`${user}/registries.conf`]: banning("c.d"),
          "mine.conf": banning("e.f"),
        },
        "mine.conf",
        ["e.f"],
      ],
    ];

  async function read(files: Record<string, string>, named: string) {
    const directory = await temporaryDirectory();
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(directory, name)), { recursive: true });
      await writeFile(join(directory, name), text);
    }
    const warnings: string[] = [];
    const env = named === "" ? {} : { CONTAINERS_REGISTRIES_CONF: join(directory, named) };
    const rules = await loadRegistriesConf({
      env,
      home: join(directory, "home"),
      system: join(directory, "etc"),
      onWarning: (message) => warnings.push(message),
    });
    return { rules, warnings };
  }

  for (const [name, files, named, blocked] of tables) {
    it(name, async () => {
      const { rules, warnings } = await read(files, named);
      const found = rules.filter((rule) => rule.blocked).map((rule) => rule.prefix);
      assert.deepEqual(found.sort(), blocked);
      assert.deepEqual(warnings, []);
    });
  }

  it("are ignored with a warning in the format of version 1", async () => {
    const old = `[registries.block]\nregistries = ["a.b"]\n`;
    const { rules, warnings } = await read({ "etc/registries.conf": old }, "");
    assert.deepEqual(rules, []);
    assert.match(warnings.join(), /registries\.conf.*version 1/);
  });

  it("must exist if named, and be small", async () => {
    await assert.rejects(read({}, "gone"), fails("REGISTRY_CONFIG_INVALID", /gone does not exist/));
    const large = `# ${"x".repeat(2 ** 20)}`;
    const tooLarge = read({ "etc/registries.conf": large }, "");
    await assert.rejects(tooLarge, fails("REGISTRY_CONFIG_INVALID", /1 MiB/));
  });
});
