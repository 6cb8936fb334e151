const maxFileBytes = 64 * 1024;

/**
 * Reads a file in the format of os-release(5): lines `KEY=value`, with values quoted as in a shell.
 * Skips all other lines, because only a shell could execute them.
 */
export function parseOsRelease(bytes: Buffer): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const text = bytes.subarray(0, maxFileBytes).toString("utf8");
  for (const line of text.split(/\r?\n/)) {
    const [, key, value] = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) values.set(key, unquote(value.trim()));
  }
  return values;
}

function unquote(text: string): string {
  const quote = text[0];
  if (quote === "'") return text.slice(1, closingQuote(text, "'"));
  if (quote === '"') return text.slice(1, closingQuote(text, '"')).replace(/\\([\\"$`])/g, "$1");
  return text.replace(/\\(.)/g, "$1");
}

/** Position of the closing quote; the end of the text if there is none. */
function closingQuote(text: string, quote: string): number {
  for (let index = 1; index < text.length; index += 1) {
    if (quote === '"' && text[index] === "\\") index += 1;
    else if (text[index] === quote) return index;
  }
  return text.length;
}

/**
 * Writes an os-release file for a Kairos release. Boot menus show it for a unified kernel image.
 * @param name of the release's files
 * @param version the Kairos version; null if unknown
 */
export function formatOsRelease(name: string, version: string | null): string {
  const versionLines = version === null ? [] : [`VERSION_ID=${quoted(version)}`];
  const lines = ["ID=kairos", "NAME=Kairos", `PRETTY_NAME=${quoted(name)}`, ...versionLines];
  return `${lines.join("\n")}\n`;
}

function quoted(text: string): string {
  return `"${text.replace(/[\n\r]/g, " ").replace(/["\\$`]/g, "\\$&")}"`;
}
