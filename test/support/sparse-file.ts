import { blocksOf, type PaxRecord, type RawBlocks } from "./tar-builder.js";
import { headerBlock, paddedTo512, putNumber, withChecksum } from "./tar-header-block.js";

/** The four ways to store a file with holes (GNU tar manual, "Storing Sparse Files"). */
export const sparseFormats = ["gnu", "0.0", "0.1", "1.0"] as const;
export type SparseFormat = (typeof sparseFormats)[number];

export interface SparseFile {
  readonly name: string;
  /** Bytes, including holes. */
  readonly size: number;
  readonly regions: readonly (readonly [offset: number, bytes: Buffer])[];
}

/** The contents that a reader has to produce. */
export function expandedContent({ size, regions }: SparseFile): Buffer {
  const content = Buffer.alloc(size);
  for (const [offset, bytes] of regions) bytes.copy(content, offset);
  return content;
}

export function sparseFile(format: SparseFormat, file: SparseFile): RawBlocks {
  if (format === "gnu") return { raw: oldGnu(file) };
  const { name, size, regions } = file;
  const data = Buffer.concat(regions.map(([, bytes]) => bytes));
  const pairs = regions.map(([offset, bytes]) => [String(offset), String(bytes.length)] as const);
  const placeholder = `GNUSparseFile.0/${name}`;
  if (format === "1.0") {
    const pax: PaxRecord[] = [
      ["GNU.sparse.major", "1"],
      ["GNU.sparse.minor", "0"],
      ["GNU.sparse.name", name],
      ["GNU.sparse.realsize", String(size)],
    ];
    const map = Buffer.from([pairs.length, ...pairs.flat()].map((line) => `${line}\n`).join(""));
    const content = Buffer.concat([paddedTo512(map), data]);
    return { raw: blocksOf({ name: placeholder, content, pax }) };
  }
  const pax: PaxRecord[] = [
    ["GNU.sparse.size", String(size)],
    ["GNU.sparse.numblocks", String(pairs.length)],
  ];
  if (format === "0.1") {
    pax.push(["GNU.sparse.name", name], ["GNU.sparse.map", pairs.flat().join(",")]);
    return { raw: blocksOf({ name: placeholder, content: data, pax }) };
  }
  for (const [offset, length] of pairs) {
    pax.push(["GNU.sparse.offset", offset], ["GNU.sparse.numbytes", length]);
  }
  return { raw: blocksOf({ name, content: data, pax }) };
}

/** Type S: four regions in the header, 21 in each block that follows. */
function oldGnu({ name, size, regions }: SparseFile): Buffer {
  const data = Buffer.concat(regions.map(([, bytes]) => bytes));
  const header = headerBlock({
    name: Buffer.from(name),
    typeFlag: "S",
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: data.length,
    mtime: 1_600_000_000,
    link: Buffer.alloc(0),
    device: [0, 0],
    dialect: "gnu",
  });
  const map = regions.map(([offset, bytes]) => [offset, bytes.length] as const);
  putRegions(header, 386, map.slice(0, 4));
  header[482] = map.length > 4 ? 1 : 0;
  putNumber(header, 483, 12, size, "gnu");
  const blocks = [withChecksum(header)];
  for (let first = 4; first < map.length; first += 21) {
    const block = Buffer.alloc(512);
    putRegions(block, 0, map.slice(first, first + 21));
    block[504] = first + 21 < map.length ? 1 : 0;
    blocks.push(block);
  }
  return Buffer.concat([...blocks, paddedTo512(data)]);
}

function putRegions(
  block: Buffer,
  start: number,
  regions: readonly (readonly [offset: number, length: number])[],
): void {
  for (const [index, [offset, length]] of regions.entries()) {
    putNumber(block, start + index * 24, 12, offset, "gnu");
    putNumber(block, start + index * 24 + 12, 12, length, "gnu");
  }
}
