/** Characters without a meaning of their own separate components. */
const separators = /^[^0-9a-zA-Z~.^-]+/;

/**
 * Compares versions as systemd does (UAPI.10, "Version Comparison"), and rpm and dpkg do for versions
 * of kernels: part by part, where a mark sorts before what is not one, and letters before a number.
 * `~` sorts even before the end.
 * @returns negative if the first is older, positive if it is newer, 0 if they are equal
 */
export function compareVersions(one: string, other: string): number {
  let [a, b] = [one.replace(separators, ""), other.replace(separators, "")];
  const skipMark = (mark: string): number => {
    const [inA, inB] = [a.startsWith(mark), b.startsWith(mark)];
    if (inA && inB) [a, b] = [a.slice(1), b.slice(1)];
    return Number(inB) - Number(inA);
  };
  const tilde = skipMark("~");
  if (tilde !== 0) return tilde;
  if (a === "" || b === "") return a.length - b.length;
  const mark = skipMark("-") || skipMark("^") || skipMark(".");
  if (mark !== 0) return mark;
  const isNumber = /^[0-9]/.test(a) || /^[0-9]/.test(b);
  const segment = isNumber ? /^[0-9]*/ : /^[a-zA-Z]*/;
  const [ofA, ofB] = [firstMatch(a, segment), firstMatch(b, segment)];
  const difference = isNumber ? compareNumbers(ofA, ofB) : compareTexts(ofA, ofB);
  return difference || compareVersions(a.slice(ofA.length), b.slice(ofB.length));
}

/** Compares digits of any length: a date with a time may be too large for a number. */
function compareNumbers(one: string, other: string): number {
  if (one === "" || other === "") return one.length - other.length;
  const [a, b] = [one.replace(/^0+/, ""), other.replace(/^0+/, "")];
  return a.length - b.length || compareTexts(a, b);
}

function compareTexts(one: string, other: string): number {
  return Number(one > other) - Number(one < other);
}

function firstMatch(text: string, pattern: RegExp): string {
  return pattern.exec(text)?.[0] ?? "";
}
