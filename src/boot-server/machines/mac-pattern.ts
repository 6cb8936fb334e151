import type { ValuePattern } from "./value-pattern.js";

/**
 * A MAC address, the beginning of one (`52:54:00`), or one with `*` for any byte (`52:54:00:*`,
 * `*:*:*:aa:bb:*`). A hyphen is equivalent to a colon.
 */
export class MacPattern implements ValuePattern {
  readonly text: string;
  readonly #bytes: readonly string[];

  private constructor(text: string, bytes: readonly string[]) {
    this.text = text;
    this.#bytes = bytes;
  }

  /** @returns undefined for text that is not a pattern */
  static parse(text: string): MacPattern | undefined {
    const bytes = text.toLowerCase().replaceAll("-", ":").replace(/:$/, "").split(":");
    const isPattern = bytes.length <= 6 && bytes.every((byte) => /^(?:[0-9a-f]{2}|\*)$/.test(byte));
    return isPattern ? new MacPattern(text, bytes) : undefined;
  }

  /** @param mac in lower case with colons */
  matches(mac: string): boolean {
    const bytes = mac.split(":");
    return this.#bytes.every((byte, index) => byte === "*" || byte === bytes[index]);
  }
}

/** A MAC address in lower case with colons; undefined for text that is not a MAC address. */
export function normalizeMac(text: string): string | undefined {
  const mac = text.toLowerCase().replaceAll("-", ":");
  return /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/.test(mac) ? mac : undefined;
}
