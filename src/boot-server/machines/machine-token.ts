import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { makeDirectories, systemCode } from "../../support/index.js";
import { stateDirectoryError } from "../state/state-directory.js";
import type { Machine } from "./machine.js";

const keySize = 32;
const useOfFiles = "machine-files";

/**
 * Writes what is known of a machine into a word that nobody else can make: who has it was given it
 * by this server. HMAC-SHA-256 (RFC 2104), half of it: 128 bits.
 */
export class MachineTokens {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  /**
   * With the key of an earlier run, so that words outlive the server; else with a new one.
   * @throws NetbootError STATE_NOT_WRITABLE
   */
  static async withKeyFile(path: string): Promise<MachineTokens> {
    try {
      return new MachineTokens((await readKey(path)) ?? (await makeKey(path)));
    } catch (cause) {
      throw stateDirectoryError(dirname(path), cause);
    }
  }

  /** Letters, digits, `-`, `_` and a dot. */
  sign({ mac, uuid, serial, architecture, hostname }: Machine): string {
    return this.signText("machine", JSON.stringify({ mac, uuid, serial, architecture, hostname }));
  }

  /** @returns undefined for a word that this server did not make */
  read(signed: string): Machine | undefined {
    const said = this.readText("machine", signed);
    return said === undefined ? undefined : (JSON.parse(said) as Machine);
  }

  /**
   * A shorter word for the addresses of files, where it makes the kernel's command line longer. It
   * stands in logs of other programs, too: no cloud-config is given for it.
   */
  signForFiles({ mac, architecture, uuid, serial }: Machine): string {
    return this.signText(useOfFiles, JSON.stringify([mac, architecture, uuid, serial]));
  }

  /** @returns undefined for a word of another kind, or that this server did not make */
  readForFiles(signed: string): Machine | undefined {
    const text = this.readText(useOfFiles, signed);
    if (text === undefined) return undefined;
    const [mac, ...said] = JSON.parse(text) as [string, ...(string | null)[]];
    const [architecture, uuid, serial] = said.map((it) => it ?? undefined);
    return { mac, architecture, uuid, serial, hasSaidAll: true };
  }

  /**
   * A text with its signature.
   * @param use what it is signed for, in letters: for another it does not hold
   */
  signText(use: string, text: string): string {
    const word = Buffer.from(text).toString("base64url");
    return `${word}.${this.#signatureOf(`${use}:${word}`).toString("base64url")}`;
  }

  /** @returns undefined for what this server did not sign for that use */
  readText(use: string, signed: string): string | undefined {
    const [word = "", given = ""] = signed.split(".", 2) as [string, string?];
    const signature = Buffer.from(given, "base64url");
    const expected = this.#signatureOf(`${use}:${word}`);
    const isOwn = signature.length === expected.length && timingSafeEqual(signature, expected);
    return isOwn ? Buffer.from(word, "base64url").toString() : undefined;
  }

  #signatureOf(word: string): Buffer {
    return createHmac("sha256", this.#key).update(word).digest().subarray(0, 16);
  }
}

async function readKey(path: string): Promise<Buffer | undefined> {
  try {
    const key = Buffer.from((await readFile(path, "latin1")).trim(), "hex");
    return key.length === keySize ? key : undefined;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function makeKey(path: string): Promise<Buffer> {
  const key = randomBytes(keySize);
  await makeDirectories(dirname(path));
  await writeFile(path, `${key.toString("hex")}\n`, { mode: 0o600 });
  // A file that was there already keeps its mode.
  await chmod(path, 0o600);
  return key;
}
