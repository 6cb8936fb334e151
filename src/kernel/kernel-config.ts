/** The configuration that a kernel was built with, from `/boot/config-VERSION`. */
export class KernelConfig {
  readonly #enabled = new Set<string>();
  readonly #disabled = new Set<string>();

  constructor(bytes: Buffer) {
    const text = bytes.toString("latin1");
    for (const [, name] of text.matchAll(/^(CONFIG_\w+)=[ym]$/gm)) {
      if (name !== undefined) this.#enabled.add(name);
    }
    for (const [, name] of text.matchAll(/^# (CONFIG_\w+) is not set$/gm)) {
      if (name !== undefined) this.#disabled.add(name);
    }
  }

  /** True if the option is built in or a module. */
  isEnabled(option: string): boolean {
    return this.#enabled.has(option);
  }

  /** True only if the configuration says explicitly that the option is not set. */
  isDisabled(option: string): boolean {
    return this.#disabled.has(option);
  }
}
