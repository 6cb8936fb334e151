// A textlint plugin: lets textlint read the comments, strings and templates of TypeScript files.
const jsTokens = require("js-tokens");

const proseTokens = new Set([
  "MultiLineComment",
  "SingleLineComment",
  "StringLiteral",
  "NoSubstitutionTemplate",
  "TemplateHead",
  "TemplateMiddle",
  "TemplateTail",
]);

/** Passages of prose: a token each, but for comments of several lines that begin with `//`. */
function passagesOf(text) {
  const passages = [];
  let offset = 0;
  let mayContinue = false;
  for (const { type, value } of jsTokens(text)) {
    if (proseTokens.has(type)) {
      const last = passages.at(-1);
      if (mayContinue && type === "SingleLineComment") {
        last.end = offset + value.length;
      } else {
        passages.push({ start: offset, end: offset + value.length });
      }
      mayContinue = type === "SingleLineComment";
    } else if (type !== "WhiteSpace" && type !== "LineTerminatorSequence") {
      mayContinue = false;
    }
    offset += value.length;
  }
  return passages;
}

function positionsIn(text) {
  const starts = [0];
  for (const { index } of text.matchAll(/\n/g)) starts.push(index + 1);
  return (offset) => {
    let line = starts.findLastIndex((start) => start <= offset);
    if (line < 0) line = 0;
    return { line: line + 1, column: offset - starts[line] };
  };
}

function parse(text) {
  const position = positionsIn(text);
  const node = (type, start, end, rest) => ({
    type,
    range: [start, end],
    loc: { start: position(start), end: position(end) },
    raw: text.slice(start, end),
    ...rest,
  });
  const children = passagesOf(text).map(({ start, end }) =>
    node("Paragraph", start, end, {
      children: [node("Str", start, end, { value: text.slice(start, end) })],
    }),
  );
  return node("Document", 0, text.length, { children });
}

class TypeScriptProcessor {
  availableExtensions() {
    return [".ts", ".js"];
  }

  processor() {
    return {
      preProcess: parse,
      postProcess: (messages, filePath) => ({ messages, filePath: filePath ?? "<text>" }),
    };
  }
}

module.exports = { Processor: TypeScriptProcessor };
