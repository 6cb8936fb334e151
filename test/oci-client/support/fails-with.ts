import assert from "node:assert/strict";
import { OciClientError, type OciClientErrorCode } from "../../../src/oci-client/index.js";

/** For `assert.throws` and `assert.rejects`: a client's error with this code and message. */
export function failsWith(
  code: OciClientErrorCode,
  words?: RegExp,
  more: Partial<OciClientError> = {},
) {
  return (error: unknown): true => {
    assert.ok(error instanceof OciClientError, `not an OciClientError: ${error}`);
    assert.equal(error.code, code, error.message);
    if (words) assert.match(error.message, words);
    assert.match(error.message, /^[^\n]+\.$/, "the message is one sentence");
    assert.match(error.hint, /^[^\n]+\.$/, "the hint is one sentence");
    for (const [name, value] of Object.entries(more)) {
      assert.equal(error[name as keyof OciClientError], value, name);
    }
    return true;
  };
}
