import { netbootJsonSchema } from "../../src/artifacts/index.js";
import { formatTable, generatedNotice, joinBlocks } from "./markdown.js";

/** The parts of JSON Schema that `netbootJsonSchema` uses. */
interface Schema {
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

/** docs/reference/netboot-json.md */
export function netbootJsonPage(): string {
  const schema = netbootJsonSchema() as Schema;
  const definitions = Object.entries(schema.$defs ?? {});
  return joinBlocks([
    "# netboot.json",
    generatedNotice,
    "`extract` writes `netboot.json` into the output directory. The file says what the directory contains and what it was made from. The same image and the same options give the same file. Its JSON Schema is [netboot.schema.json](../../src/packaging/netboot.schema.json).",
    "A reader should use the members that it needs and ignore the ones that it does not know: new versions of the program may add members. `schemaVersion` changes only if the meaning of a member changes.",
    formatTable(["Member", "Type", "Required", "Meaning"], rowsOf(schema, "")),
    ...definitions.flatMap(([name, definition]) => [
      `## Type \`${name}\``,
      definition.description ?? "",
      formatTable(["Member", "Type", "Required", "Meaning"], rowsOf(definition, "")),
    ]),
  ]);
}

/** A row for each member, and for the members of a member that is an object. */
function rowsOf({ properties = {}, required = [] }: Schema, prefix: string): string[][] {
  return Object.entries(properties).flatMap(([name, schema]) => [
    [
      `\`${prefix}${name}\``,
      typeOf(schema),
      required.includes(name) ? "yes" : "no",
      schema.description ?? "",
    ],
    ...rowsOf(schema, `${prefix}${name}.`),
  ]);
}

function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split("/").at(-1) ?? "";
    return `[${name}](#type-${name})`;
  }
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) {
    return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(" or ");
  }
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(" or ");
  if (schema.items !== undefined) return `array of ${typeOf(schema.items)}s`;
  return [schema.type ?? "any"].flat().join(" or ");
}
