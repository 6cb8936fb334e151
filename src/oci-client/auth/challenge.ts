/** One way of signing in that a server offers (RFC 9110, section 11.6.1). */
export interface Challenge {
  /** In lower case: `basic`, `bearer`. */
  scheme: string;
  /** Names in lower case, values unquoted. */
  parameters: ReadonlyMap<string, string>;
}

/** Node refuses longer headers anyway; this bounds other callers. */
const maxHeaderLength = 64 * 1024;

const separators = /[ \t,]*/y;
const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const equalsSign = /[ \t]*=[ \t]*/y;
const quotedString = /"((?:[^"\\]|\\.)*)"/y;
/** Wider than a token, as some servers leave their realm's address unquoted. */
const bareValue = /[^ \t,"]+/y;
/** Told from a parameter by what follows it: the challenge's end. */
const token68 = /[ \t]+[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y;

/**
 * Reads the value of a `WWW-Authenticate` header, several of them joined by commas. Never throws:
 * what follows a malformed part is ignored, and so is a challenge's token68, which no registry uses.
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
