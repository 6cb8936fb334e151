import { readAt } from "../support/index.js";
import { type PeSection, readPeHeaders } from "./pe.js";

/** Enough for all headers of an EFI program. */
const headerBytes = 64 * 1024;

/**
 * The sections of a unified kernel image (UAPI.5).
 * @returns undefined for other files
 */
export async function readUkiSections(path: string): Promise<readonly PeSection[] | undefined> {
  const sections = readPeHeaders(await readAt(path, 0, headerBytes))?.sections ?? [];
  return isUki(sections) ? sections : undefined;
}

export function isUki(sections: readonly PeSection[]): boolean {
  return sections.some(({ name }) => name === ".linux");
}

/**
 * The text of a section, up to the first zero byte.
 * @param maxBytes more are not read
 * @returns latin1; undefined if there is no such section
 */
export async function readSectionText(
  path: string,
  sections: readonly PeSection[],
  name: string,
  maxBytes: number,
): Promise<string | undefined> {
  const section = sections.find((it) => it.name === name);
  if (section === undefined) return undefined;
  const size = Math.min(section.virtualSize || section.rawSize, section.rawSize, maxBytes);
  const bytes = await readAt(path, section.rawOffset, size);
  return bytes.toString("latin1").replace(/\0.*$/s, "");
}
