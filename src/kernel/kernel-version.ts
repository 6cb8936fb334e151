/** The banner is in a kernel's read-only data, which begins long before this. */
const maxSearchedBytes = 256 * 1024 * 1024;
export const maxVersionBytes = 128;
const banner = "Linux version ";

/**
 * Finds the version in the banner that every Linux kernel contains (init/version.c).
 * @param isReadToEnd reads all chunks, even after the version has been found
 */
export async function findBannerVersion(
  chunks: AsyncIterable<Buffer>,
  { isReadToEnd = false } = {},
): Promise<string | undefined> {
  let rest = "";
  let searched = 0;
  let found: string | undefined;
  for await (const chunk of chunks) {
    searched += chunk.length;
    if (searched > maxSearchedBytes) break;
    if (found !== undefined) continue;
    const text = rest + chunk.toString("latin1");
    found = versionAfterBanner(text);
    if (found !== undefined && !isReadToEnd) break;
    rest = text.slice(-(banner.length + maxVersionBytes));
  }
  return found;
}

function versionAfterBanner(text: string): string | undefined {
  for (let at = text.indexOf(banner); at >= 0; at = text.indexOf(banner, at + 1)) {
    const start = at + banner.length;
    const version = /^([0-9][\w.+~-]*) /.exec(text.slice(start, start + maxVersionBytes))?.[1];
    if (version !== undefined) return version;
  }
  return undefined;
}

/** The version that a text begins with. */
export function firstVersion(text: string): string | undefined {
  return /^[0-9][\w.+~-]{0,127}/.exec(text)?.[0];
}

/** The text up to the next zero byte. */
export function textAt(bytes: Buffer, start: number): string {
  const end = bytes.indexOf(0, start);
  return bytes.toString("latin1", start, end < 0 ? bytes.length : end);
}
