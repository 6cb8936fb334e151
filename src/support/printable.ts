const longestMessage = 2000;

/**
 * Makes control characters (C0, DEL, C1, bidirectional overrides, line separators) visible as
 * escapes, so that a name from an image cannot forge lines or drive a terminal.
 */
export function printable(text: string): string {
  const shortened =
    text.length > longestMessage ? `${text.slice(0, longestMessage)}… (shortened)` : text;
  return shortened.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => {
      if (character === "\n") return "\\n";
      const code = character.charCodeAt(0).toString(16);
      return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`;
    },
  );
}

/** A count of bytes for people: `735.2 MB` (powers of 1000, as disks and networks are sold). */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit]}`;
}
