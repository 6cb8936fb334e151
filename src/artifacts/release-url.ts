import { usageError } from "../support/index.js";

/**
 * Checks the URL of a release's directory on a web server.
 * @returns the URL without a slash at the end
 * @throws NetbootError USAGE_INVALID
 */
export function checkReleaseUrl(text: string): string {
  const hint = "Give the URL of the directory: http://192.168.1.10/kairos";
  if (!URL.canParse(text)) throw usageError(`--url ${text} is not a URL.`, hint);
  const url = new URL(text);
  if (!["http:", "https:"].includes(url.protocol)) {
    throw usageError(`--url ${text} is neither http:// nor https://.`, hint);
  }
  if (url.username !== "" || url.password !== "") {
    throw usageError("--url contains a password, which everybody could read in the script.", hint);
  }
  if (/[?#]/.test(url.href)) {
    throw usageError(
      `--url ${text} has more than a path, so no file name can be appended to it.`,
      hint,
    );
  }
  if (/\$%7B/i.test(url.href)) throw usageError(`--url ${text} cannot contain \${…}.`, hint);
  return url.href.replace(/\/+$/, "");
}
