import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseChallenges } from "../../../src/oci-client/index.js";

type Expected = [scheme: string, parameters: Record<string, string>][];

/** From RFC 9110 (sections 11.6.1, 5.6.4), the token specification, and what registries send. */
const cases: [name: string, header: string, expected: Expected][] = [
  ["an empty header", "", []],
  [
    "Docker Hub's Bearer challenge, with commas in a quoted string",
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
    [
      [
        "bearer",
        {
          realm: "https://auth.docker.io/token",
          service: "registry.docker.io",
          scope: "repository:a/b:pull,push",
        },
      ],
    ],
  ],
  [
    "RFC 9110's example of two challenges in one header",
    'Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""',
    [
      ["basic", { realm: "simple" }],
      ["newauth", { realm: "apps", type: "1", title: 'Login to "apps"' }],
    ],
  ],
  ["schemes and names in any case", 'BASIC Realm="x"', [["basic", { realm: "x" }]]],
  [
    "a challenge with a token68, and one after it",
    'Negotiate YII=, Basic realm="x"',
    [
      ["negotiate", {}],
      ["basic", { realm: "x" }],
    ],
  ],
  [
    "a scheme alone",
    "Negotiate, Bearer realm=r",
    [
      ["negotiate", {}],
      ["bearer", { realm: "r" }],
    ],
  ],
  [
    "white space around equals signs and empty list elements",
    ' ,Bearer realm = "r" ,, service\t=\t"s",',
    [["bearer", { realm: "r", service: "s" }]],
  ],
  [
    "an unquoted URL, although its characters are not allowed in a token",
    "Bearer realm=https://auth.example/token,service=s",
    [["bearer", { realm: "https://auth.example/token", service: "s" }]],
  ],
  ["a quoted string without an end", 'Bearer realm="r', [["bearer", {}]]],
  ["the first of two parameters of one name", "Bearer a=1, a=2", [["bearer", { a: "1" }]]],
  ["a parameter named __proto__", "Bearer __proto__=1", [["bearer", { ["__proto__"]: "1" }]]],
  ["parameters without a scheme", 'realm="x"', []],
];

describe("parseChallenges", () => {
  for (const [name, header, expected] of cases) {
    it(`reads ${name}`, () => {
      const found = parseChallenges(header).map(({ scheme, parameters }) => [
        scheme,
        Object.fromEntries(parameters),
      ]);
      assert.deepEqual(found, expected);
    });
  }
});
