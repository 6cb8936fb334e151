import { open } from "node:fs/promises";
import { NetbootError, systemCode } from "../../support/index.js";
import { type ByteString, display, encode, FormatError, indexTar } from "../../tar/index.js";
import type { FileSlice, ImageFiles } from "../image-source/file-slice.js";

/** Archives of images have hundreds of members at most. */
const maxMembers = 100_000;
/** Maximum number of links to follow from one member to the next. */
const maxLinks = 16;

interface Member {
  readonly slice: FileSlice;
  /** The member to which this one links; undefined for a file. */
  readonly target?: LinkTarget;
}

type LinkTarget = { readonly name: ByteString } | "outside";

/**
 * A plain tar file whose members are read in place. Nothing is unpacked, so that a malicious name in it
 * cannot do any harm.
 */
export class Archive implements ImageFiles {
  readonly #where: string;
  readonly #members = new Map<ByteString, Member>();
  /** Names that occur more than once, and thus are ambiguous. */
  readonly #ambiguous = new Set<ByteString>();

  private constructor(where: string) {
    this.#where = where;
  }

  /**
   * @param path the file
   * @param where the archive's name in messages
   * @throws NetbootError LAYOUT_INVALID; system errors
   */
  static async open(path: string, where: string, signal: AbortSignal): Promise<Archive> {
    const archive = new Archive(where);
    const file = await open(path);
    let count = 0;
    try {
      for await (const { entry, offset } of indexTar(file)) {
        signal.throwIfAborted();
        count += 1;
        if (count > maxMembers) throw new FormatError(`it has more than ${maxMembers} members`);
        const { type, linkName } = entry;
        const name = memberName(entry.name);
        if (name === undefined || !["file", "symlink", "hardlink"].includes(type)) continue;
        const slice = { path, offset, size: entry.size };
        const directory = type === "symlink" ? name.split("/").slice(0, -1) : [];
        archive.#add(
          name,
          type === "file" ? { slice } : { slice, target: targetOf(directory, linkName) },
        );
      }
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw archive.#invalid(`is damaged: ${error.message}`, error);
    } finally {
      await file.close();
    }
    return archive;
  }

  /** @throws NetbootError LAYOUT_INVALID for an ambiguous name, or a link that leads outside */
  find(name: string): FileSlice | undefined {
    let key = memberName(encode(name));
    for (let links = 0; key !== undefined && links < maxLinks; links += 1) {
      if (this.#ambiguous.has(key)) throw this.#invalid(`contains ${display(key)} more than once`);
      const member = this.#members.get(key);
      if (member?.target === undefined) return member?.slice;
      if (member.target === "outside") {
        throw this.#invalid(`contains a link ${display(key)} that leads outside`);
      }
      key = member.target.name;
    }
    return undefined;
  }

  #add(name: ByteString, member: Member): void {
    if (this.#members.has(name)) this.#ambiguous.add(name);
    this.#members.set(name, member);
  }

  #invalid(problem: string, cause?: unknown): NetbootError {
    return new NetbootError(
      "LAYOUT_INVALID",
      `The archive ${this.#where} ${problem}.`,
      "Save or copy the image again.",
      { cause },
    );
  }
}

/** A member's name in its shortest spelling; undefined for a name that would lead outside. */
function memberName(name: ByteString): ByteString | undefined {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  return name.startsWith("/") || parts.includes("..") ? undefined : parts.join("/");
}

/** @param directory the parts of the directory to which the target is relative */
function targetOf(directory: readonly ByteString[], linkName: ByteString): LinkTarget {
  if (linkName.startsWith("/")) return "outside";
  const parts = [...directory];
  for (const part of linkName.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return "outside";
  }
  return { name: parts.join("/") };
}

/** Turns a system error into the error for an archive that cannot be opened. */
export function cannotOpen(where: string, error: unknown): unknown {
  const code = systemCode(error);
  if (code === undefined || error instanceof NetbootError) return error;
  return new NetbootError(
    "LAYOUT_INVALID",
    `The archive ${where} cannot be read (${code}).`,
    "Create one with: skopeo copy docker://IMAGE oci-archive:FILE",
    { cause: error },
  );
}
