import type { Agent } from "undici";
import { NetbootError, systemCode } from "../../support/index.js";
import { ApiAnswerError, type ApiBoot, readApiAnswer } from "./api-answer.js";

/** Milliseconds that the API has for a whole answer. */
const patience = 5_000;
/** Milliseconds that an answer is good for: a question comes once for each network that is served. */
const freshness = 2_000;
/** Bytes of an answer. */
const largestAnswer = 64 * 1024;
/** Questions at the same time; machines that ask meanwhile get no answer, and ask again. */
const mostQuestions = 256;

/** What a machine is to boot, or why there is nothing for it: a sentence. */
export type ApiAnswer = { readonly boot: ApiBoot } | { readonly refusal: string };

/** Asks a back end what each machine is to boot: pixiecore's API mode. */
export class BootApi {
  /** Ends with a slash. */
  readonly url: string;
  readonly #recent = new Map<string, Promise<ApiAnswer>>();
  #agent: Agent | undefined;
  #questions = 0;

  /** @throws NetbootError USAGE_INVALID */
  constructor(url: string) {
    // The address is shown to people: no password may be in it.
    const isAddress = /^https?:\/\/[^@]+$/.test(url) && URL.canParse(url);
    if (!isAddress) {
      throw new NetbootError(
        "USAGE_INVALID",
        `--api ${url} is no address.`,
        "Write http://ADDRESS:PORT, without /v1/boot.",
      );
    }
    this.url = url.replace(/\/*$/, "/");
  }

  /**
   * Never fails: a back end that does is a reason.
   * @param mac in lower case with colons
   */
  async ask(mac: string): Promise<ApiAnswer> {
    if (this.#questions >= mostQuestions) return { refusal: "The boot API is asked too much." };
    this.#questions += 1;
    try {
      return { boot: await this.#fetch(mac) };
    } catch (error) {
      return { refusal: reasonOf(error) };
    } finally {
      this.#questions -= 1;
    }
  }

  /** The same, where an answer of just now will do. */
  askCached(mac: string): Promise<ApiAnswer> {
    const recent = this.#recent.get(mac);
    if (recent !== undefined) return recent;
    const answer = this.ask(mac);
    this.#recent.set(mac, answer);
    void answer.then(() => setTimeout(() => this.#recent.delete(mac), freshness).unref());
    return answer;
  }

  async close(): Promise<void> {
    await this.#agent?.destroy();
  }

  async #fetch(mac: string): Promise<ApiBoot> {
    const { Agent, request } = await import("undici");
    this.#agent ??= new Agent({ connect: { timeout: patience } });
    const signal = AbortSignal.timeout(patience);
    const answer = await request(`${this.url}v1/boot/${mac}`, { dispatcher: this.#agent, signal });
    if (answer.statusCode !== 200) {
      await answer.body.dump({ limit: largestAnswer });
      throw new ApiRefusal(`The boot API has nothing for it (status ${answer.statusCode}).`);
    }
    return readApiAnswer(await boundedText(answer.body), this.url);
  }
}

class ApiRefusal extends Error {}

async function boundedText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > largestAnswer) throw new ApiAnswerError("it is longer than 64 KiB");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function reasonOf(error: unknown): string {
  if (error instanceof ApiRefusal) return error.message;
  if (error instanceof ApiAnswerError) {
    return `The boot API's answer is malformed: ${error.message}.`;
  }
  const { name } = error as Error;
  if (name === "TimeoutError" || name === "ConnectTimeoutError") {
    return `The boot API did not answer within ${patience / 1000} seconds.`;
  }
  return `The boot API cannot be reached (${systemCode(error) ?? name}).`;
}
