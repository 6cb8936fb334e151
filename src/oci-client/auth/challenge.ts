/** An authentication scheme that a server offers (RFC 9110, section 11.6.1). */
export interface Challenge {
  /** In lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** Names in lower case, values unquoted. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Node refuses longer headers; the limit protects other callers. */
const maxHeaderLength = 64 * 1024;

const separators = /[ \t,]*/y;
const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const equalsSign = /[ \t]*=[ \t]*/y;
const quotedString = /"((?:[^"\\]|\\.)*)"/y;
/** More than a token may contain, because some servers do not quote their realm's URL. */
const bareValue = /[^ \t,"]+/y;
/** Differs from a parameter in that the challenge ends after it. */
const token68 = /[ \t]+[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y;

/**
 * Parses the value of a `WWW-Authenticate` header, or several joined by commas. Never throws: ignores
 * everything after a malformed part, and a challenge's token68, which no registry uses.
 */
export function parseChallenges(header: string): Challenge[] {
  const text = header.slice(0, maxHeaderLength);
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;

  function take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) at = pattern.lastIndex;
    return match;
  }

  for (;;) {
    take(separators);
    const name = take(token)?.[0].toLowerCase();
    if (name === undefined) return challenges;
    if (take(equalsSign)) {
      const value = take(quotedString)?.[1]?.replace(/\\(.)/g, "$1") ?? take(bareValue)?.[0];
      if (value === undefined) return challenges;
      const { parameters } = challenges.at(-1) ?? {};
      if (parameters && !parameters.has(name)) parameters.set(name, value);
    } else {
      challenges.push({ scheme: name, parameters: new Map() });
      take(token68);
    }
  }
}
