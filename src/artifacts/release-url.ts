import { usageError } from "../support/index.js";

/**
 * The address of a release's directory on a web server, without a slash at the end.
 * @throws NetbootError USAGE_INVALID
 */
export function checkedUrl(text: string): string {
  const hint = "Write the address of the directory: http://192.168.1.10/kairos";
  if (!URL.canParse(text)) throw usageError(`--url ${text} is no address.`, hint);
  const url = new URL(text);
  if (!["http:", "https:"].includes(url.protocol)) {
    throw usageError(`--url ${text} is neither http:// nor https://.`, hint);
  }
  if (url.username !== "" || url.password !== "") {
    throw usageError("--url holds a password, which everybody could read in the script.", hint);
  }
  if (/[?#]/.test(url.href)) {
    throw usageError(`--url ${text} has more than a path: a file's name is put behind it.`, hint);
  }
  if (/\$%7B/i.test(url.href)) throw usageError(`--url ${text} cannot hold \${…}.`, hint);
  return url.href.replace(/\/+$/, "");
}
