/** What is known of a machine; what it did not say yet is undefined. */
export interface Machine {
  /** In lower case with colons. */
  readonly mac: string;
  /** In lower case with hyphens. */
  readonly uuid?: string | undefined;
  readonly serial?: string | undefined;
  /** As OCI names it. */
  readonly architecture?: string | undefined;
  /** IPv4. */
  readonly ip?: string | undefined;
  readonly hostname?: string | undefined;
  /** True once its iPXE has said what it knows: what is undefined now stays so. */
  readonly hasSaidAll?: boolean | undefined;
}

/** A hardware address in lower case with colons; undefined where it is none. */
export function normalizeMac(text: string): string | undefined {
  const mac = text.toLowerCase().replaceAll("-", ":");
  return /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/.test(mac) ? mac : undefined;
}
