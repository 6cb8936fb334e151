import fc from "fast-check";
import type { ArchivePart, TarItem } from "../../support/tar-builder.js";
import { defaultMtime } from "../../support/tar-builder.js";

/** One entry of a random layer. There are only a few names, so that layers often collide. */
type Step =
  | { readonly kind: "file" | "directory" | "whiteout" | "opaque"; readonly path: string }
  | { readonly kind: "symlink"; readonly path: string; readonly link: string }
  /** `earlier`: the target is that many files and links before it. */
  | { readonly kind: "hardlink"; readonly path: string; readonly earlier: number }
  /** `any`: the target is any entry of its own layer, before or after it. */
  | { readonly kind: "wild link"; readonly path: string; readonly any: number };

export interface RandomStack {
  readonly layers: readonly (readonly ArchivePart[])[];
  /** True if no whiteout follows an ordinary entry of its layer. */
  readonly hasWhiteoutsFirst: boolean;
}

/** Most directories are called a or b, and most other files c, d or e. */
const directoryName = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("a", "b") },
  { weight: 1, arbitrary: fc.constantFrom("c", "d", "e") },
);
const leafName = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("c", "d", "e") },
  { weight: 1, arbitrary: fc.constantFrom("a", "b") },
);
const directoryPath = fc
  .array(directoryName, { minLength: 1, maxLength: 3 })
  .map((names) => names.join("/"));
const leafPath = fc
  .tuple(fc.array(directoryName, { maxLength: 2 }), leafName)
  .map(([parents, leaf]) => [...parents, leaf].join("/"));
const path = fc.oneof(directoryPath, leafPath);
const target = fc.oneof(
  { weight: 4, arbitrary: path },
  { weight: 2, arbitrary: path.map((to) => `/${to}`) },
  { weight: 2, arbitrary: path.map((to) => `../${to}`) },
  { weight: 1, arbitrary: fc.constantFrom(".", "..", "/", "nowhere", "a/../b", "./c") },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("file" as const), path: leafPath }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("directory" as const), path: directoryPath }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("symlink" as const), path, link: target }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("hardlink" as const),
      path: leafPath,
      earlier: fc.nat(20),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("whiteout" as const), path }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("opaque" as const), path: directoryPath }),
  },
);

const wildStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: step },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("wild link" as const),
      path: leafPath,
      any: fc.nat(20),
    }),
  },
);

/** One to four layers. In half of the stacks whiteouts come first, as builders write them. */
export const randomStack = stackOf(step);

/** Also has hard links that umoci refuses: to later or hidden files, directories, or themselves. */
export const wildStack = stackOf(wildStep);

function stackOf(ofSteps: fc.Arbitrary<Step>): fc.Arbitrary<RandomStack> {
  return fc
    .record({
      steps: fc.array(fc.array(ofSteps, { maxLength: 7 }), { minLength: 1, maxLength: 4 }),
      isSorted: fc.boolean(),
    })
    .map(({ steps, isSorted }) => {
      const layers = isSorted ? steps.map(whiteoutsFirst) : steps;
      const linkable: string[] = [];
      return {
        layers: layers.map((layer, number) => partsOf(layer, number, linkable)),
        hasWhiteoutsFirst: layers.every((layer) =>
          whiteoutsFirst(layer).every((one, index) => one === layer[index]),
        ),
      };
    });
}

function isWhiteout({ kind }: Step): boolean {
  return kind === "whiteout" || kind === "opaque";
}

function whiteoutsFirst(steps: readonly Step[]): Step[] {
  return [...steps.filter(isWhiteout), ...steps.filter((one) => !isWhiteout(one))];
}

/**
 * Contents and times identify the entry that a file came from.
 * @param linkable names from earlier entries that hard links may refer to; receives more
 */
function partsOf(steps: readonly Step[], layer: number, linkable: string[]): TarItem[] {
  const own = steps.filter(({ kind }) => kind !== "directory").map(({ path }) => path);
  return steps.map((one, index): TarItem => {
    const { path: name } = one;
    const mtime = defaultMtime + layer * 100 + index;
    switch (one.kind) {
      case "directory":
        return { name: `${name}/`, type: "directory", mode: 0o700 + index, uid: layer, mtime };
      case "whiteout":
        return { name: name.replace(/[^/]*$/, (last) => `.wh.${last}`) };
      case "opaque":
        return { name: `${name}/.wh..wh..opq` };
      case "hardlink": {
        const link = nth([...linkable].reverse(), one.earlier) ?? name;
        return { name, type: "hardlink", link, mtime, uid: index };
      }
      case "wild link":
        return { name, type: "hardlink", link: nth(own, one.any) ?? name, mtime, uid: index };
      case "symlink":
        linkable.push(name);
        return { name, type: "symlink", link: one.link, mtime, uid: index };
      default:
        linkable.push(name);
        return { name, content: `${layer}/${index}`, mtime, uid: index };
    }
  });
}

function nth(names: readonly string[], index: number): string | undefined {
  return names[index % Math.max(names.length, 1)];
}
