/** How a reference names the type of a JSON value. */
type JsonType<T> = [T] extends [string]
  ? "string"
  : [T] extends [number]
    ? "number"
    : [T] extends [boolean]
      ? "boolean"
      : [T] extends [readonly string[]]
        ? "array of strings"
        : [T] extends [readonly unknown[]]
          ? "array of objects"
          : "object";

type FieldType<T> = undefined extends T ? `${JsonType<NonNullable<T>>}?` : JsonType<T>;

/**
 * A description of each kind of event and of each of its fields, for the generated reference. The
 * compiler checks that every field is described, and that its type is right. A question mark means
 * that the field may be missing.
 */
export type EventDescriptions<Event extends { readonly type: string }> = {
  readonly [Type in Event["type"]]: {
    readonly meaning: string;
    readonly fields: {
      readonly [Field in Exclude<keyof Extract<Event, { type: Type }>, "type">]-?: readonly [
        type: FieldType<Extract<Event, { type: Type }>[Field]>,
        meaning: string,
      ];
    };
  };
};
