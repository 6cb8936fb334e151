const largestFile = 64 * 1024;

/**
 * Reads a file in the format of os-release(5): `KEY=value` lines, values quoted as in a shell.
 * Lines that are none are passed over, as shells that source such files are not this program's.
 */
export function parseReleaseFile(bytes: Buffer): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const text = bytes.subarray(0, largestFile).toString("utf8");
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    if (match !== null) values.set(match[1]!, unquote(match[2]!.trim()));
  }
  return values;
}

function unquote(text: string): string {
  const quote = text[0];
  if (quote === "'") return text.slice(1, endOf(text, "'"));
  if (quote === '"') return text.slice(1, endOf(text, '"')).replace(/\\([\\"$`])/g, "$1");
  return text.replace(/\\(.)/g, "$1");
}

/** Where the closing quote stands; the end of the text where there is none. */
function endOf(text: string, quote: string): number {
  for (let index = 1; index < text.length; index += 1) {
    if (quote === '"' && text[index] === "\\") index += 1;
    else if (text[index] === quote) return index;
  }
  return text.length;
}
