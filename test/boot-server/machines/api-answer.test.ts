import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readApiAnswer } from "../../../src/boot-server/machines/api-answer.js";

const base = "http://api.example:9000/some/";
const read = (answer: unknown) => readApiAnswer(JSON.stringify(answer), base);
/** As a person would write the expected line: addresses in angle brackets. */
const lineOf = (cmdline: unknown) =>
  read({ kernel: "k", cmdline })
    .commandLine.map((part) => (typeof part === "string" ? part : `<${part.url}>`))
    .join("");

// pixiecore/README.api.md of danderson/netboot.
describe("an answer of the boot API", () => {
  it("names kernel, initrds and a message, with URLs relative to the API's", () => {
    const answer = { kernel: "vmlinuz", initrd: ["/a", "https://b.example/c?d"], message: "Hi" };
    assert.deepEqual(read(answer), {
      kernel: "http://api.example:9000/some/vmlinuz",
      initrds: ["http://api.example:9000/a", "https://b.example/c?d"],
      commandLine: [],
      message: "Hi",
    });
  });

  const lines: [name: string, cmdline: unknown, expected: string][] = [
    ["words", "quiet console=ttyS0", "quiet console=ttyS0"],
    [
      "URLs within words",
      'a={{ URL "x" }} b={{URL `https://h/y`}} c',
      "a=<http://api.example:9000/some/x> b=<https://h/y> c",
    ],
    ["a URL with an escaped quote", '{{ URL "x\\"y" }}', "<http://api.example:9000/some/x%22y>"],
    ["names and values", { a: "1", b: "two" }, "a=1 b=two"],
    ["names alone", { quiet: true, debug: "" }, "quiet debug"],
    [
      "names and URLs",
      { first: "1", second: { url: "/x" }, third: true },
      "first=1 second=<http://api.example:9000/x> third",
    ],
    ["nothing", null, ""],
  ];
  for (const [name, cmdline, expected] of lines) {
    it(`has a command line of ${name}`, () => assert.equal(lineOf(cmdline), expected));
  }

  const malformed: [name: string, text: string, problem: RegExp][] = [
    ["text that is not JSON", "<html>", /not valid JSON/],
    ["a list", "[]", /object/],
    ["no kernel", "{}", /kernel/],
    ["a kernel that is not text", '{"kernel":1}', /kernel/],
    ["an initrd that is not a list", '{"kernel":"k","initrd":"i"}', /initrd/],
    ["a file on the server's disk", '{"kernel":"file:///etc/shadow"}', /not an HTTP URL/],
    ["another template", '{"kernel":"k","cmdline":"{{ ID \\"x\\" }}"}', /only \{\{ URL/],
    ["a template without an end", '{"kernel":"k","cmdline":"{{ URL \\"x\\" "}', /only \{\{ URL/],
    ["a line break", '{"kernel":"k","cmdline":"a\\nshell"}', /control character/],
    ["a number for a value", '{"kernel":"k","cmdline":{"a":1}}', /cmdline/],
  ];
  for (const [name, text, problem] of malformed) {
    it(`is refused with ${name}`, () => {
      assert.throws(() => readApiAnswer(text, base), { message: problem });
    });
  }
});
