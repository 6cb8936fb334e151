import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { makeDirectories, systemCode } from "../../support/index.js";
import { stateDirectoryError } from "../state/state-directory.js";
import type { Machine } from "./machine.js";
import { machineFactNames, matchers } from "./machine-facts.js";

const keyBytes = 32;
const signatureBytes = 16;
const machinePurpose = "machine";
const filesPurpose = "machine-files";

/** An IP address may change until the machine uses its token. */
const factsInTokens = machineFactNames.filter((fact) => fact !== "ip");
const factsInFileTokens = [...matchers.keys()];

/**
 * Makes tokens that contain what is known about a machine. A machine that has a token got it from this
 * server: it is signed with HMAC-SHA-256 (RFC 2104), truncated to 128 bits.
 */
export class MachineTokens {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  /**
   * Uses the key of an earlier run, so that tokens stay valid, or creates one.
   * @throws NetbootError STATE_NOT_WRITABLE
   */
  static async withKeyFile(path: string): Promise<MachineTokens> {
    try {
      return new MachineTokens((await readKey(path)) ?? (await createKey(path)));
    } catch (cause) {
      throw stateDirectoryError(dirname(path), cause);
    }
  }

  /** Consists of letters, digits, `-`, `_` and a dot. */
  create(machine: Machine): string {
    const facts = factsInTokens.map((fact) => [fact, machine[fact]]);
    return this.sign(machinePurpose, JSON.stringify(Object.fromEntries(facts)));
  }

  /** @returns undefined for a token that this server did not make */
  read(token: string): Machine | undefined {
    const text = this.verify(machinePurpose, token);
    return text === undefined ? undefined : (JSON.parse(text) as Machine);
  }

  /**
   * Makes a token for URLs of files. It is shorter, because the kernel command line contains it.
   * Other programs log these URLs, so the token does not give access to a cloud-config.
   */
  createForFiles(machine: Machine): string {
    const facts = factsInFileTokens.map((fact) => [fact, machine[fact]]);
    return this.sign(filesPurpose, JSON.stringify(Object.fromEntries(facts)));
  }

  /** @returns undefined for a token of another kind, or that this server did not make */
  readForFiles(token: string): Machine | undefined {
    const text = this.verify(filesPurpose, token);
    if (text === undefined) return undefined;
    return { ...(JSON.parse(text) as Machine), isFullyKnown: true };
  }

  /**
   * Returns a text with its signature.
   * @param purpose letters; the signature is not valid for another purpose
   */
  sign(purpose: string, text: string): string {
    const encoded = Buffer.from(text).toString("base64url");
    return `${encoded}.${this.#signatureOf(`${purpose}:${encoded}`).toString("base64url")}`;
  }

  /** @returns the text; undefined if this server did not sign it for that purpose */
  verify(purpose: string, token: string): string | undefined {
    const [encoded = "", given = ""] = token.split(".", 2);
    const signature = Buffer.from(given, "base64url");
    const expected = this.#signatureOf(`${purpose}:${encoded}`);
    const isValid = signature.length === expected.length && timingSafeEqual(signature, expected);
    return isValid ? Buffer.from(encoded, "base64url").toString() : undefined;
  }

  #signatureOf(text: string): Buffer {
    return createHmac("sha256", this.#key).update(text).digest().subarray(0, signatureBytes);
  }
}

async function readKey(path: string): Promise<Buffer | undefined> {
  try {
    const key = Buffer.from((await readFile(path, "latin1")).trim(), "hex");
    return key.length === keyBytes ? key : undefined;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function createKey(path: string): Promise<Buffer> {
  const key = randomBytes(keyBytes);
  await makeDirectories(dirname(path));
  await writeFile(path, `${key.toString("hex")}\n`, { mode: 0o600 });
  // An existing file keeps its mode when it is written.
  await chmod(path, 0o600);
  return key;
}
