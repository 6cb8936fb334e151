const maxTextLength = 2000;

/**
 * Replaces control characters (C0, DEL, C1, bidirectional overrides, line separators) with visible
 * escapes, so that a name from an image cannot forge lines or drive a terminal. Shortens texts of
 * more than 2000 characters.
 */
export function sanitize(text: string): string {
  const shortened =
    text.length > maxTextLength ? `${text.slice(0, maxTextLength)}… (shortened)` : text;
  return shortened.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => {
      if (character === "\n") return "\\n";
      const code = character.charCodeAt(0).toString(16);
      return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`;
    },
  );
}
