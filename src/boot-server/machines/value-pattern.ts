/** A pattern of the machines file, compared with a fact about a machine. */
export interface ValuePattern {
  /** As the machines file has it. */
  readonly text: string;
  matches(value: string): boolean;
}

/** Matches exactly one value. */
export function exactly(value: string, text = value): ValuePattern {
  return { text, matches: (other) => other === value };
}
