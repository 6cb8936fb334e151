/** A map of limited size. When it is full, it drops the key whose value was set the longest ago. */
export class LruMap<Key, Value> extends Map<Key, Value> {
  readonly #maxKeys: number;

  constructor(maxKeys: number) {
    super();
    this.#maxKeys = maxKeys;
  }

  /** Sets a value and makes its key the most recent one, even if the key is in the map already. */
  put(key: Key, value: Value): void {
    this.delete(key);
    this.set(key, value);
    if (this.size <= this.#maxKeys) return;
    for (const oldest of this.keys()) {
      this.delete(oldest);
      return;
    }
  }
}
