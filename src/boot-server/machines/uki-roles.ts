import { readSectionText, readUkiSections } from "../../kernel/index.js";
import type { FileRole } from "../files/served-file.js";

/** Kernels take shorter command lines. */
const maxCommandLineBytes = 4096;
/** A squashfs that this server serves. */
const ownSquashfs = /(?:^|\s)root=live:http:\/\/[^/\s]+(?:\/for\/[^/\s]+)?\/releases\/[^/\s]+\//;

/**
 * What a machine fetches if it starts this UKI (UAPI.5). Its firmware does not ask for a script after
 * the UKI.
 * @returns undefined for other programs, such as iPXE
 */
export async function readUkiRoles(path: string): Promise<readonly FileRole[] | undefined> {
  const sections = await readUkiSections(path);
  if (sections === undefined) return undefined;
  const commandLine = await readSectionText(path, sections, ".cmdline", maxCommandLineBytes);
  return ownSquashfs.test(commandLine ?? "") ? ["boot-program", "squashfs"] : ["boot-program"];
}
