import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";

/** A reporter for `node --test`: prints one line per failed test, with its file. */
export default async function* failedTests(source: AsyncIterable<TestEvent>) {
  for await (const { type, data } of source) {
    if (type !== "test:fail") continue;
    const error = data.details.error as Error & { failureType?: string };
    // Skip a suite that failed only because one of its tests did.
    if (error.failureType === "subtestsFailed") continue;
    const place = data.file ? `${relative(process.cwd(), data.file)}:${data.line}` : "";
    const [why] = error.message.split("\n");
    yield `${place} ${data.name}: ${why}\n`;
  }
}
