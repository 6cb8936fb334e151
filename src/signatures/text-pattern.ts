import { usageError } from "../support/index.js";

/** What a text has to be: one exact value, or a match of a regular expression. */
export interface TextPattern {
  /** As the user wrote it. */
  readonly source: string;
  /** False for an expression that also matches in the middle of a text. */
  readonly isAnchored: boolean;
  matches(text: string): boolean;
}

/**
 * Parses an exact value, or `/REGEX/`. Like cosign's `--certificate-identity-regexp`, an expression
 * may match any part of the text, unless it has anchors.
 * @throws NetbootError USAGE_INVALID
 */
export function parseTextPattern(source: string, flag: string): TextPattern {
  if (source === "") throw usageError(`${flag} is empty.`, "Write a value, or /REGEX/.");
  if (!source.startsWith("/")) {
    return { source, isAnchored: true, matches: (text) => text === source };
  }
  const expression = parseExpression(source, flag);
  return {
    source,
    isAnchored: expression.source.startsWith("^"),
    matches: (text) => expression.test(text),
  };
}

function parseExpression(source: string, flag: string): RegExp {
  const [, body] = /^\/(.+)\/$/s.exec(source) ?? [];
  if (body === undefined) {
    throw usageError(
      `${flag} ${source} begins like a regular expression and does not end like one.`,
      "Write it between slashes, without flags: '/^https://github\\.com/kairos-io//'",
    );
  }
  try {
    return new RegExp(body);
  } catch (cause) {
    throw usageError(
      `${flag} ${source} is not a valid regular expression: ${(cause as Error).message}.`,
      "Write a regular expression of JavaScript between the slashes.",
    );
  }
}
