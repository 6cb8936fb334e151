/** A bounded map: the key that was put longest ago is forgotten first. */
export class RecentMap<Key, Value> extends Map<Key, Value> {
  readonly #most: number;

  /** @param most keys that are remembered */
  constructor(most: number) {
    super();
    this.#most = most;
  }

  /** Puts a value at the end, also that of a key that is there already. */
  put(key: Key, value: Value): void {
    this.delete(key);
    this.set(key, value);
    if (this.size > this.#most) this.delete(this.keys().next().value!);
  }
}
