import type { Agent } from "undici";
import { NetbootError, systemCode } from "../../support/index.js";
import { ApiAnswerError, type ApiBoot, readApiAnswer } from "./api-answer.js";

/** Time limit for a whole answer. */
const answerTimeoutMs = 5_000;
/** A machine asks once on each served network at the same time. */
const cacheTtlMs = 2_000;
const maxAnswerBytes = 64 * 1024;
/** Beyond this number of concurrent requests, machines get no answer, and ask again. */
const maxRequests = 256;

/** What a machine boots, or the reason why it boots nothing: a sentence. */
export type ApiAnswer = { readonly boot: ApiBoot } | { readonly refusal: string };

/** Asks a back end what each machine boots, as pixiecore does in API mode. */
export class BootApi {
  /** Ends with a slash. */
  readonly url: string;
  readonly #recent = new Map<string, Promise<ApiAnswer>>();
  #agent: Agent | undefined;
  #requests = 0;

  /** @throws NetbootError USAGE_INVALID */
  constructor(url: string) {
    // Messages contain the URL, so it must not contain a password.
    const isUrl = /^https?:\/\/[^@]+$/.test(url) && URL.canParse(url);
    if (!isUrl) {
      throw new NetbootError(
        "USAGE_INVALID",
        `--api ${url} is not a URL without a password.`,
        "Write http://ADDRESS:PORT, without /v1/boot.",
      );
    }
    this.url = url.replace(/\/*$/, "/");
  }

  /**
   * Never fails: if the back end fails, that is the reason.
   * @param mac in lower case with colons
   */
  async ask(mac: string): Promise<ApiAnswer> {
    if (this.#requests >= maxRequests) return { refusal: "Too many machines ask the boot API." };
    this.#requests += 1;
    try {
      return { boot: await this.#fetch(mac) };
    } catch (error) {
      return { refusal: describeFailure(error) };
    } finally {
      this.#requests -= 1;
    }
  }

  /** Like `ask`, but may return an answer from the last two seconds. */
  askCached(mac: string): Promise<ApiAnswer> {
    const recent = this.#recent.get(mac);
    if (recent !== undefined) return recent;
    const answer = this.ask(mac);
    this.#recent.set(mac, answer);
    void answer.then(() => setTimeout(() => this.#recent.delete(mac), cacheTtlMs).unref());
    return answer;
  }

  async close(): Promise<void> {
    await this.#agent?.destroy();
  }

  async #fetch(mac: string): Promise<ApiBoot> {
    const { Agent, request } = (await import("undici")).default;
    this.#agent ??= new Agent({ connect: { timeout: answerTimeoutMs } });
    const signal = AbortSignal.timeout(answerTimeoutMs);
    const answer = await request(`${this.url}v1/boot/${mac}`, { dispatcher: this.#agent, signal });
    if (answer.statusCode !== 200) {
      await answer.body.dump({ limit: maxAnswerBytes });
      throw new ApiRefusal(
        `The boot API has nothing for this machine (status ${answer.statusCode}).`,
      );
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
    if (length > maxAnswerBytes) throw new ApiAnswerError("it is larger than 64 KiB");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function describeFailure(error: unknown): string {
  if (error instanceof ApiRefusal) return error.message;
  if (error instanceof ApiAnswerError) {
    return `The boot API's answer is invalid: ${error.message}.`;
  }
  const { name } = error as Error;
  if (name === "TimeoutError" || name === "ConnectTimeoutError") {
    return `The boot API did not answer within ${answerTimeoutMs / 1000} seconds.`;
  }
  return `The boot API cannot be reached (${systemCode(error) ?? name}).`;
}
