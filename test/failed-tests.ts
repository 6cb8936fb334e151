import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";

/** A reporter for `node --test`: a line for each test that failed, with its file, and nothing else. */
export default async function* failedTests(source: AsyncIterable<TestEvent>) {
  for await (const { type, data } of source) {
    if (type !== "test:fail") continue;
    const error = data.details.error as Error & { failureType?: string };
    // A suite that fails only because a test in it did is not told of.
    if (error.failureType === "subtestsFailed") continue;
    const place = data.file ? `${relative(process.cwd(), data.file)}:${data.line}` : "";
    const [why] = error.message.split("\n");
    yield `${place} ${data.name}: ${why}\n`;
  }
}
