import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import fc from "fast-check";
import { compareVersions } from "../../src/kairos/compare-versions.js";

type Pair = readonly [one: string, sign: "<" | "=" | ">", other: string];

/** UAPI.10, "Examples", except for those with a tilde: systemd sorts it before the end, as rpm does. */
const specified: readonly Pair[] = [
  ["11", "=", "11"],
  ["systemd-123", "=", "systemd-123"],
  ["bar-123", "<", "foo-123"],
  ["123a", ">", "123"],
  ["123.a", ">", "123"],
  ["123.a", "<", "123.b"],
  ["123a", ">", "123.a"],
  ["11α", "=", "11β"],
  ["A", "<", "a"],
  ["", "<", "0"],
  ["0.", ">", "0"],
  ["0.0", ">", "0"],
  ["0", ">", "~"],
  ["", ">", "~"],
  ["1_", "=", "1"],
  ["_1", "=", "1"],
  ["1_", "<", "1.2"],
  ["1_2_3", ">", "1.3.3"],
  ["1+", "=", "1"],
  ["+1", "=", "1"],
  ["1+", "<", "1.2"],
  ["1+2+3", ">", "1.3.3"],
];

const kernels: readonly Pair[] = [
  ["4.18.0-553.el8_10.x86_64", "<", "4.18.0-553.64.1.el8_10.x86_64"],
  ["4.18.0-553.58.1.el8_10.x86_64", "<", "4.18.0-553.64.1.el8_10.x86_64"],
  ["5.14.0-70.el9.x86_64", "<", "5.14.0-427.el9.x86_64"],
  ["6.8.0-31-generic", "<", "6.8.0-100-generic"],
  ["6.9.0", "<", "6.12.0"],
  ["6.12.0~rc1", "<", "6.12.0"],
  ["6.12~rc7-amd64", "<", "6.12.1-amd64"],
  ["6.1.0-9-amd64", "<", "6.1.0-10-amd64"],
  ["6.4.0-150600.21-default", "<", "6.4.0-150600.23.7.3-default"],
  ["6.6.31-0-lts", "<", "6.6.31-1-lts"],
  ["6.1.20260101123456789012345", "<", "6.1.20260101123456789012346"],
  ["6.01.0", "=", "6.1.0"],
];

for (const [what, pairs] of Object.entries({
  "the specification's examples": specified,
  kernels,
})) {
  describe(`compareVersions orders ${what}`, () => {
    for (const [one, sign, other] of pairs) {
      it(`${one} ${sign} ${other}`, () => {
        assert.equal(signOf(one, other), sign);
        assert.equal(signOf(other, one), { "<": ">", "=": "=", ">": "<" }[sign]);
      });
    }
  });
}

const number = fc.oneof(fc.nat(12).map(String), fc.constantFrom("00", "07", "553", "20260101"));
const numbers = (maxLength: number) =>
  fc.array(number, { minLength: 1, maxLength }).map((parts) => parts.join("."));

/** Anything, with many equal beginnings. A version that begins with a digit is not an option. */
const anything = fc
  .array(fc.constantFrom("1", "10", "2", "0", "a", "b", "B", "rc", ".", "-", "~", "^", "_", "+"), {
    maxLength: 6,
  })
  .map((parts) => ["1", ...parts].join(""));
/** Debian's: dpkg compares letters and marks by other rules, so the only letters are those after ~. */
const debian = fc
  .tuple(numbers(3), fc.constantFrom("", "~rc1", "~rc2", "~rc10"), numbers(2))
  .map(([upstream, candidate, revision]) => `${upstream}${candidate}-${revision}`);
/** Red Hat's: for rpm, any mark separates numbers, so each kind is always in the same place. */
const redHat = fc
  .tuple(number, number, numbers(4), fc.constantFrom(".el8", ".el8_10", ".el9_4", ".el10"))
  .map(([minor, patch, release, system]) => `5.${minor}.${patch}-${release}${system}.x86_64`);

describe("compareVersions sorts random versions as", { concurrency: true }, () => {
  it("systemd-analyze compare-versions", async () => {
    const pairs = sortedPairs(anything, 30);
    const compare = 'systemd-analyze compare-versions "$1" "$2" || true';
    const printed = await forEachPair(compare, pairs);
    const signs = { "<": "<", "=": "==", ">": ">" };
    const expected = pairs.map(([one, other]) => `${one} ${signs[signOf(one, other)]} ${other}`);
    assert.deepEqual(printed, expected);
  });

  it("dpkg --compare-versions", async () => {
    const pairs = sortedPairs(debian, 40);
    const compare = 'dpkg --compare-versions "$1" lt "$2" && echo "<" || echo "="';
    const expected = pairs.map(([one, other]) => signOf(one, other));
    assert.deepEqual(await forEachPair(compare, pairs), expected);
  });

  it("rpm", async () => {
    const samples = fc.sample(redHat, 300);
    const pairs = samples.map((one, index) => [one, samples[index - 1] ?? one] as const);
    const list = pairs.map(([one, other]) => `{"${one}","${other}"}`).join(",");
    const script = `%{lua:for _, pair in ipairs({${list}}) do print(rpm.vercmp(pair[1], pair[2]) .. string.char(10)) end}`;
    const expected = pairs.map(([one, other]) => String(Math.sign(compareVersions(one, other))));
    assert.deepEqual(await linesOf("rpm", ["--eval", script]), expected);
  });
});

/** Random versions in order, as pairs of neighbors: if each pair is right, so is the whole order. */
function sortedPairs(versions: fc.Arbitrary<string>, count: number): (readonly [string, string])[] {
  const sorted = fc.sample(versions, count).sort(compareVersions);
  return sorted.slice(1).map((version, index) => [sorted[index] ?? version, version]);
}

/** The lines that a shell command prints for all pairs, which it gets as $1 and $2. */
function forEachPair(command: string, pairs: readonly (readonly [string, string])[]) {
  const script = `while [ $# -gt 0 ]; do ${command}; shift 2; done`;
  return linesOf("sh", ["-c", script, "sh", ...pairs.flat()]);
}

async function linesOf(program: string, args: readonly string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)(program, args, { maxBuffer: 1e7 });
  return stdout.trimEnd().split("\n");
}

function signOf(one: string, other: string): "<" | "=" | ">" {
  const difference = compareVersions(one, other);
  return difference < 0 ? "<" : difference > 0 ? ">" : "=";
}
